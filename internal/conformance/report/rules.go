package report

import "slices"

// Basis is the source of a rule, which decides whether breaking the rule is a fault.
type Basis string

const (
	// Document marks rules that the OpenAPI document states.
	Document Basis = "document"
	// Relation marks metamorphic relations: properties of a list that hold in every interpretation of the document.
	Relation Basis = "law"
	// Own marks this project's decisions on points that the document leaves open. Breaking such a rule is a fault only in
	// strict runs.
	Own Basis = "own"
	// Recording marks the rules of recording, which are judged only if the run may record. They are this project's own, and
	// so are the operations: a server that has these operations promises the rules.
	Recording Basis = "recording"
	// Tokens marks rules of several tokens, which are judged only if the run has them.
	Tokens Basis = "tokens"
)

// bases are in the order of the report, with the titles of their rules.
var (
	bases  = []Basis{Document, Relation, Own, Recording, Tokens}
	titles = map[Basis]string{
		Document:  "Rules of the document",
		Relation:  "Metamorphic relations, which hold for every list whatever its data",
		Own:       "Rules of docs/semantics.md, where the document leaves a choice",
		Recording: "Rules of recording",
		Tokens:    "Rules of several tokens",
	}
)

// Rule is a requirement that answers are checked against.
type Rule struct {
	ID       string // stable, for scripts
	Basis    Basis
	Number   string // the rule's number in docs/semantics.md; "" for Document and Relation
	Sentence string
}

// catalogue has every rule, in the order of the report.
var catalogue []*Rule

func define(basis Basis, number, id, sentence string) *Rule {
	r := &Rule{ID: id, Basis: basis, Number: number, Sentence: sentence}
	catalogue = append(catalogue, r)
	return r
}

func document(id, sentence string) *Rule    { return define(Document, "", id, sentence) }
func relation(id, sentence string) *Rule    { return define(Relation, "", id, sentence) }
func own(number, id, sentence string) *Rule { return define(Own, number, id, sentence) }
func recording(number, id, sentence string) *Rule {
	return define(Recording, number, id, sentence)
}

// Rules returns all rules, in the order of the report.
func Rules() []*Rule { return slices.Clone(catalogue) }

// Rules that the document states for requests.
var (
	RequestValid     = document("request.valid", "A request that fits the document is answered with 200.")
	RequestInvalid   = document("request.invalid", "A value that does not fit its parameter's schema is refused with 400.")
	RequestRequired  = document("request.required", "A request without a required parameter is refused with 400.")
	ParameterDefault = document("parameter.default", "A parameter given its documented default is as if absent.")
	LatestDefault    = document("latest.default", "full_history=false is as if absent.")
	AuthNone         = document("auth.none", "A request without credentials is refused with 401.")
	AuthGarbage      = document("auth.garbage", "A bearer token that is no token is refused with 401.")
	AuthScheme       = document("auth.scheme", "Credentials of another scheme are refused with 401.")
	AuthAltered      = document("auth.altered", "A token whose signature was altered is refused with 401.")
	AuthUnsigned     = document("auth.unsigned", "A token that declares that it has no signature (alg none) is refused with 401.")
)

// Rules that the document states for answers.
var (
	AnswerComplete    = document("answer.complete", "Every request is answered, and the answer does not break off.")
	AnswerStatus      = document("answer.status", "The status is one that the document has.")
	AnswerHeaders     = document("answer.headers", "The headers that the document requires are there.")
	AnswerContentType = document("answer.content-type", "The Content-Type is one that the document has for the status.")
	BodyJSON          = document("body.json", "The body is one JSON value in UTF-8, with nothing after it.")
	BodyDuplicates    = document("body.duplicates", "No object has a property twice.")
	BodyUndeclared    = document("body.undeclared", "No property is there that the schema does not declare.")
	BodyNull          = document("body.null", "Nothing is null that the schema does not let be null.")
	BodyType          = document("body.type", "Values have the types of the schema, whole numbers within their format.")
	BodyEnum          = document("body.enum", "A value of an enum is one of its names.")
	BodyFormat        = document("body.format", "Texts have the schema's format; a date-time has a zone.")
	BodyRequired      = document("body.required", "Required properties are there.")
	BodySchema        = document("body.schema", "The body fits the schema in everything else.")
	ErrorCode         = document("error.code", "The code in an error's body is the one that the document fixes for the status.")
)

// Metamorphic relations of the list. PageClamp stands among them in the report, but the document states it.
var (
	PageBase       = relation("page.base", "Page 0 or page 1 is what comes if no page is asked for.")
	PageEcho       = relation("page.echo", "The answer contains the page number that was asked for.")
	PageSizeEcho   = relation("page.size-echo", "The answer contains the page size that was asked for, or the maximum if that is less.")
	PageSizeKept   = relation("page.size-kept", "A page has no more records than its page_size and than total_count.")
	PageTotalPages = relation("page.total-pages", "total_pages is total_count divided by page_size, rounded up.")
	PageFill       = relation("page.fill", "Every page except the last is full; the last has the rest.")
	PageClamp      = document("page.clamp", "A page_size above the maximum is answered as the maximum is.")
	PagePastEnd    = relation("page.past-end", "A page past the end has no records and the same totals.")
	PagesWhole     = relation("pages.whole", "The pages put together have total_count records, and none twice.")
	PagesAgree     = relation("pages.agree", "The pages put together are the same list at every page size, with the same records.")
	FilterSatisfy  = relation("filter.satisfied", "Each record has the values that the request filters by; no filter is ignored.")
	FilterSubset   = relation("filter.subset", "A filter's answer is the part of the unfiltered list that satisfies it, its records unchanged.")
	FilterBoth     = relation("filter.intersection", "Two filters together find what each of them finds alone, in common.")
	LatestOnce     = relation("latest.slot-once", "Without full_history, a slot (environment_id, deployment_name) is there once.")
	LatestSubset   = relation("latest.subset", "Every latest record is a record of the history, the same in both.")
	LatestNewest   = relation("latest.newest", "The latest record of a slot is the newest of its history.")
	LatestEvery    = relation("latest.every-slot", "Every slot of the history has a latest record.")
	LatestFiltered = relation("latest.filtered", "A filter without full_history finds the latest records that match, or the latest of the records that match.")
	OrderTwice     = relation("order.same-twice", "The same question twice gives the same records in the same order.")
)

// Decisions of docs/semantics.md.
var (
	OwnAfterLatest  = own("L1", "own.filter-after-latest", "A filter chooses among the latest records; it brings no older record forward.")
	OwnLatestTie    = own("L1", "own.latest-tie", "Of a slot's newest records of one time, the latest is that with the greatest id.")
	OwnExact        = own("L2", "own.filter-exact", "A filter matches whole values with case, and no character is a wildcard.")
	OwnEmptyText    = own("L3", "own.empty-text", "A text parameter without a value is as if absent.")
	OwnNeeds        = own("L4", "own.needs", "A parameter without the one that it requires is refused with 400.")
	OwnUnknownName  = own("L5", "own.unknown-name", "A name that nothing has gives 200 and an empty list.")
	OwnOrder        = own("L6", "own.order", "Records come by created_at, then by id, both descending.")
	OwnUUIDs        = own("L6", "own.uuids", "Ids are UUIDs in lower case.")
	OwnPageBase     = own("L7", "own.page-base", "pagination.page counts pages, from 0 (or from 1, as a setting: L8).")
	OwnSizeDefault  = own("L7", "own.page-size-default", "page_size 0 is the default, as if absent.")
	OwnNegative     = own("L7", "own.negative", "A negative page or page_size is refused with 400.")
	OwnNoPages      = own("L7", "own.no-pages", "total_pages is 0 where nothing matches.")
	OwnSnapshot     = own("L9", "own.snapshot", "The page and the totals of one answer are of one moment.")
	OwnFields       = own("R1", "own.fields", "Every field is there; only a record without a logical environment leaves out its two.")
	OwnTimes        = own("R2", "own.times", "Times are in UTC with Z and up to six digits of fraction.")
	OwnTimeOrder    = own("R2", "own.time-order", "updated_at and last_seen_at are not before created_at.")
	OwnContentType  = own("R2", "own.content-type", "The Content-Type is application/json, without a parameter.")
	OwnNoStore      = own("R2", "own.no-store", "Every answer has Cache-Control: no-store.")
	OwnErrorForm    = own("R3", "own.error-form", "An error's body has code, message and details, the code of its status, and no more than 20 details.")
	OwnErrorDetails = own("R3", "own.error-details", "Each detail of a 400 begins with the parameter that it is about, or with query.")
	OwnInternals    = own("R3", "own.internals", "An error reveals no internals of the server.")
	OwnErrorHeaders = own("R3", "own.error-headers", "Allow, Retry-After and WWW-Authenticate are there with the statuses that they belong to, and only there.")
	OwnRoutes       = own("R4", "own.routes", "Another path, or one with a slash at its end, is a 404, with a token or without.")
	OwnAuthFirst    = own("R4", "own.auth-first", "Authentication runs before validation: 401 before 400.")
	OwnChallenge    = own("R4", "own.challenge", `A 401 has WWW-Authenticate: Bearer, with error="invalid_token" only if a token was sent.`)
	OwnRepeated     = own("Q1", "own.repeated", "A parameter that is given twice is refused with 400.")
	OwnUnknownParam = own("Q1", "own.unknown-parameter", "A parameter that the document does not name is ignored, whatever it holds. Refusing it with 400 is a setting, and no fault.")
	OwnUnsupported  = own("Q1", "own.unsupported", "A parameter that --unsupported names is refused with 501 and its name.")
	OwnSpelling     = own("Q2", "own.spelling", "Numbers, booleans and enums have one spelling; others, and no value, are refused with 400.")
	OwnEncoding     = own("Q3", "own.encoding", "Bad percent-encoding, a bare ';', invalid UTF-8 and NUL are refused with 400.")
	OwnAllFaults    = own("Q3", "own.all-faults", "One answer reports all faults of a request.")
	OwnTwoTokens    = own("T1", "own.two-tokens", "Two Authorization headers are refused with 401.")
	OwnSchemeCase   = own("T1", "own.scheme-case", "The word Bearer is taken in any case.")
)
