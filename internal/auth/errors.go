package auth

import (
	"errors"

	"github.com/deployrecords/deployrecords/internal/auth/claims"
	"github.com/deployrecords/deployrecords/internal/auth/jwks"
)

// ErrNoToken reports that a request has no bearer token. It is a 401
// without error="invalid_token" (rule R4).
var ErrNoToken = errors.New("no bearer token was sent")

// TokenError reports that a token was sent and is not accepted: a 401 with
// error="invalid_token" (rule R4).
type TokenError = claims.Error

// KeysError reports that a token cannot be judged yet, because a key that may
// verify it has not been fetched: a 503 (rule T2).
type KeysError = jwks.PendingError

func refuse(format string, args ...any) error { return claims.Refuse(format, args...) }
