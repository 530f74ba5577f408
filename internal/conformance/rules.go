package conformance

// Basis says where a rule comes from, and so when breaking it is a fault.
type Basis string

const (
	// Document is for what the OpenAPI document says.
	Document Basis = "document"
	// Law is for what no reading of the document lets a list do.
	Law Basis = "law"
	// Own is for how this project settles what the document leaves open: observed behaviour, and a fault if the suite
	// is strict.
	Own Basis = "own"
)

// Rule is something that answers are held against.
type Rule struct {
	// ID is stable: scripts may name it.
	ID       string
	Basis    Basis
	Number   string // of docs/semantics.md, for Own
	Sentence string
}

// catalogue has every rule, in the order of the report.
var catalogue ruleBook

type ruleBook struct{ rules []*Rule }

func (b *ruleBook) add(r Rule) *Rule {
	b.rules = append(b.rules, &r)
	return &r
}

func (b *ruleBook) document(id, sentence string) *Rule {
	return b.add(Rule{ID: id, Basis: Document, Sentence: sentence})
}

func (b *ruleBook) law(id, sentence string) *Rule {
	return b.add(Rule{ID: id, Basis: Law, Sentence: sentence})
}

func (b *ruleBook) own(number, id, sentence string) *Rule {
	return b.add(Rule{ID: id, Basis: Own, Number: number, Sentence: sentence})
}

// Rules are all of them, in the order of the report.
func Rules() []Rule {
	all := make([]Rule, 0, len(catalogue.rules))
	for _, r := range catalogue.rules {
		all = append(all, *r)
	}
	return all
}

// What the document says of requests.
var (
	requestValid     = catalogue.document("request.valid", "A request that fits the document is answered with 200.")
	requestInvalid   = catalogue.document("request.invalid", "A value that does not fit its parameter's schema is refused with 400.")
	requestRequired  = catalogue.document("request.required", "A request without a required parameter is refused with 400.")
	parameterDefault = catalogue.document("parameter.default", "A parameter given its documented default is as if absent.")
	latestDefault    = catalogue.document("latest.default", "full_history=false is as if absent.")
	authNone         = catalogue.document("auth.none", "A request without credentials is refused with 401.")
	authGarbage      = catalogue.document("auth.garbage", "A bearer token that is no token is refused with 401.")
	authScheme       = catalogue.document("auth.scheme", "Credentials of another scheme are refused with 401.")
	authAltered      = catalogue.document("auth.altered", "A token whose signature was altered is refused with 401.")
	authUnsigned     = catalogue.document("auth.unsigned", "A token that says it needs no signature (alg none) is refused with 401.")
)

// What the document says of answers.
var (
	answerComplete    = catalogue.document("answer.complete", "Every request is answered, and the answer does not break off.")
	answerStatus      = catalogue.document("answer.status", "The status is one that the document has.")
	answerHeaders     = catalogue.document("answer.headers", "The headers that the document requires are there.")
	answerContentType = catalogue.document("answer.content-type", "The Content-Type is one that the document has for the status.")
	bodyJSON          = catalogue.document("body.json", "The body is one JSON value in UTF-8, with nothing after it.")
	bodyDuplicates    = catalogue.document("body.duplicates", "No object has a property twice.")
	bodyUndeclared    = catalogue.document("body.undeclared", "No property is there that the schema does not declare.")
	bodyNull          = catalogue.document("body.null", "Nothing is null that the schema does not let be null.")
	bodyType          = catalogue.document("body.type", "Values have the types of the schema, whole numbers within their format.")
	bodyEnum          = catalogue.document("body.enum", "A value of an enum is one of its names.")
	bodyFormat        = catalogue.document("body.format", "Texts have the schema's format; a date-time has a zone.")
	bodyRequired      = catalogue.document("body.required", "Required properties are there.")
	bodySchema        = catalogue.document("body.schema", "The body fits the schema in everything else.")
	errorCode         = catalogue.document("error.code", "The code in an error's body is the one that the document fixes for the status.")
)

// The laws of the list.
var (
	pageBase       = catalogue.law("page.base", "Page 0 or page 1 is what comes if no page is asked for.")
	pageEcho       = catalogue.law("page.echo", "The answer tells the page that was asked for.")
	pageSizeEcho   = catalogue.law("page.size-echo", "The answer tells the page size that was asked for, or the maximum if that is less.")
	pageSizeKept   = catalogue.law("page.size-kept", "A page has no more records than its page_size and than total_count.")
	pageTotalPages = catalogue.law("page.total-pages", "total_pages is total_count divided by page_size, rounded up.")
	pageFill       = catalogue.law("page.fill", "Every page is full, but for the last; the last has the rest.")
	pageClamp      = catalogue.document("page.clamp", "A page_size above the maximum is answered as the maximum is.")
	pagePastEnd    = catalogue.law("page.past-end", "A page past the end has no records and the same totals.")
	pagesWhole     = catalogue.law("pages.whole", "The pages put together have total_count records, and none twice.")
	pagesAgree     = catalogue.law("pages.agree", "The pages put together are the same list at every page size, with the same records.")
	filterSatisfy  = catalogue.law("filter.satisfied", "Each record has the values that the request filters by; no filter is ignored.")
	filterSubset   = catalogue.law("filter.subset", "A filter's answer is the part of the unfiltered list that satisfies it, its records unchanged.")
	filterBoth     = catalogue.law("filter.intersection", "Two filters together find what each of them finds alone, in common.")
	latestOnce     = catalogue.law("latest.slot-once", "Without full_history, a slot (environment_id, deployment_name) is there once.")
	latestSubset   = catalogue.law("latest.subset", "Every latest record is a record of the history, the same in both.")
	latestNewest   = catalogue.law("latest.newest", "The latest record of a slot is the newest of its history.")
	latestEvery    = catalogue.law("latest.every-slot", "Every slot of the history has a latest record.")
	latestFiltered = catalogue.law("latest.filtered", "A filter without full_history finds the latest records that match, or the latest of the records that match.")
	orderTwice     = catalogue.law("order.same-twice", "The same question twice gives the same records in the same order.")
)

// How docs/semantics.md settles what the document leaves open.
var (
	ownAfterLatest  = catalogue.own("L1", "own.filter-after-latest", "A filter chooses among the latest records; it brings no older record forward.")
	ownLatestTie    = catalogue.own("L1", "own.latest-tie", "Of a slot's newest records of one time, the latest is that with the greatest id.")
	ownExact        = catalogue.own("L2", "own.filter-exact", "A filter matches whole values with case, and no character is a wildcard.")
	ownEmptyText    = catalogue.own("L3", "own.empty-text", "A text parameter without a value is as if absent.")
	ownNeeds        = catalogue.own("L4", "own.needs", "A parameter without the one that it requires is refused with 400.")
	ownUnknownName  = catalogue.own("L5", "own.unknown-name", "A name that nothing has gives 200 and an empty list.")
	ownOrder        = catalogue.own("L6", "own.order", "Records come by created_at, then by id, both descending.")
	ownUUIDs        = catalogue.own("L6", "own.uuids", "Ids are UUIDs in lower case.")
	ownPageBase     = catalogue.own("L7", "own.page-base", "pagination.page counts pages, from 0 (or from 1, as a setting: L8).")
	ownSizeDefault  = catalogue.own("L7", "own.page-size-default", "page_size 0 is the default, as if absent.")
	ownNegative     = catalogue.own("L7", "own.negative", "A negative page or page_size is refused with 400.")
	ownNoPages      = catalogue.own("L7", "own.no-pages", "total_pages is 0 where nothing matches.")
	ownSnapshot     = catalogue.own("L9", "own.snapshot", "The page and the totals of one answer are of one moment.")
	ownFields       = catalogue.own("R1", "own.fields", "Every field is there; only a record without a logical environment leaves out its two.")
	ownTimes        = catalogue.own("R2", "own.times", "Times are in UTC with Z and up to six digits of fraction.")
	ownTimeOrder    = catalogue.own("R2", "own.time-order", "updated_at and last_seen_at are not before created_at.")
	ownContentType  = catalogue.own("R2", "own.content-type", "The Content-Type is application/json, without a parameter.")
	ownNoStore      = catalogue.own("R2", "own.no-store", "Every answer has Cache-Control: no-store.")
	ownErrorForm    = catalogue.own("R3", "own.error-form", "An error's body has code, message and details, the code of its status, and no more than 20 details.")
	ownErrorDetails = catalogue.own("R3", "own.error-details", "Each detail of a 400 begins with the parameter that it is about, or with query.")
	ownInternals    = catalogue.own("R3", "own.internals", "An error tells no internals of the server.")
	ownErrorHeaders = catalogue.own("R3", "own.error-headers", "Allow, Retry-After and WWW-Authenticate are there with the statuses that they belong to, and only there.")
	ownRoutes       = catalogue.own("R4", "own.routes", "Another path, or one with a slash at its end, is a 404, with a token or without.")
	ownAuthFirst    = catalogue.own("R4", "own.auth-first", "Who asks is judged before what is asked: 401 before 400.")
	ownChallenge    = catalogue.own("R4", "own.challenge", `A 401 has WWW-Authenticate: Bearer, with error="invalid_token" only if a token was sent.`)
	ownRepeated     = catalogue.own("Q1", "own.repeated", "A parameter that is given twice is refused with 400.")
	ownUnknownParam = catalogue.own("Q1", "own.unknown-parameter", "A parameter that the document does not name is ignored, whatever it holds.")
	ownSpelling     = catalogue.own("Q2", "own.spelling", "Numbers, booleans and enums have one spelling; others, and no value, are refused with 400.")
	ownEncoding     = catalogue.own("Q3", "own.encoding", "Bad percent-encoding, a bare ';', invalid UTF-8 and NUL are refused with 400.")
	ownAllFaults    = catalogue.own("Q3", "own.all-faults", "All faults of a request are told in one answer.")
	ownTwoTokens    = catalogue.own("T1", "own.two-tokens", "Two Authorization headers are refused with 401.")
	ownSchemeCase   = catalogue.own("T1", "own.scheme-case", "The word Bearer is taken in any case.")
)
