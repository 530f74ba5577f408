package report

func tokens(number, id, sentence string) *Rule { return define(Tokens, number, id, sentence) }

// Rules of several tokens.
var (
	TokensExpired        = tokens("T1", "tokens.expired", "A token that has expired is refused with 401.")
	TokensOrganization   = tokens("T3", "tokens.organization", "A token of another organization sees none of the first one's records, and only its own.")
	TokensHidden         = tokens("T3", "tokens.hidden", "A name that only another organization has is answered as a name that nobody has.")
	TokensNoScope        = tokens("T4", "tokens.no-scope", "A valid token without a scope for reading is refused with 403, before its query is validated.")
	TokensReadOnly       = tokens("T4", "tokens.read-only", "A token that may only read is refused with 403 if it records, before its body is validated.")
	TokensWriteOnly      = tokens("T4", "tokens.write-only", "A token that may only record is refused with 403 if it reads.")
	TokensProject        = tokens("T5", "tokens.project", "A token with a project sees exactly what the filter by its project finds, totals included.")
	TokensProjectRecords = tokens("T5", "tokens.project-records", "A token with a project is refused with 403 if it records.")
	TokensChallenge      = tokens("R4", "tokens.challenge", "WWW-Authenticate has invalid_token with a 401 and insufficient_scope with a 403.")
)
