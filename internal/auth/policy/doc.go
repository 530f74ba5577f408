// Package policy decides which rule accepts a token: it verifies the token's signature with the keys of the rule, and reads what the
// rule grants.
package policy
