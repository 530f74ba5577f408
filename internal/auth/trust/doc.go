// Package trust decides which tokens of which issuers are accepted, and what they grant: the rules of a trust file, which package
// trustfile reads.
//
// A [Rule] names an issuer and its keys, the audiences and claims that a token must have, and how its claims become an
// organization, a project and scopes. The first rule that a token matches decides: no later rule accepts a token that it refuses.
// A claim of another type than a rule expects never counts as an absent one: the token is not accepted.
package trust
