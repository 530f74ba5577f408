package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/auth/trust"
	"github.com/deployrecords/deployrecords/internal/auth/trustfile"
	"github.com/deployrecords/deployrecords/internal/config"
)

// trustFiles are the files of serve that are read again while it runs: the rules of trust, and the revoked tokens.
type trustFiles struct {
	names    *config.Trust
	logger   *slog.Logger
	interval time.Duration // between two looks at the files
	warnings []string
	trust    watched
	revoked  watched
}

// watched has digests of a file's bytes, valid or not: of those that were used last, and of those that were seen last.
type watched struct {
	used, seen [sha256.Size]byte
}

// changed reports whether to use the bytes: if they are new and two looks in a row saw them, since a file that is being written is
// incomplete, or always.
func (w *watched) changed(digest [sha256.Size]byte, always bool) bool {
	complete := digest == w.seen
	w.seen = digest
	if !always && (!complete || digest == w.used) {
		return false
	}
	w.used = digest
	return true
}

// accepting are the verifiers that use the files.
type accepting []interface {
	Replace(ctx context.Context, rules []trust.Rule) error
	Revoke(ids map[string]struct{})
}

// Replace replaces the rules of all verifiers.
func (a accepting) Replace(ctx context.Context, rules []trust.Rule) error {
	var violations []error
	for _, verifier := range a {
		violations = append(violations, verifier.Replace(ctx, rules))
	}
	return errors.Join(violations...)
}

// Revoke replaces the revoked tokens of all verifiers.
func (a accepting) Revoke(ids map[string]struct{}) {
	for _, verifier := range a {
		verifier.Revoke(ids)
	}
}

// newTrustFiles returns files that start looks at every 5 seconds. It does not rely on notifications of the file system, which
// miss the symbolic links that Kubernetes replaces, and files on networks.
func newTrustFiles(names *config.Trust, logger *slog.Logger) *trustFiles {
	return &trustFiles{names: names, logger: logger, interval: 5 * time.Second}
}

// load reads the files into the options, and returns the violations.
func (f *trustFiles) load(options *auth.Options) (violations []error) {
	if f.names.TrustFile != "" {
		file, err := trustfile.Load(f.names.TrustFile)
		if err != nil {
			violations = append(violations, fmt.Errorf("--trust: %w", err))
		}
		options.Rules, f.warnings, f.trust.used = file.Rules, file.Warnings, file.Digest
	}
	if f.names.RevokedFile != "" {
		text, digest, err := f.readRevoked()
		f.revoked.used = digest
		if err == nil {
			options.Revoked, err = auth.ReadRevoked(bytes.NewReader(text))
		}
		if err != nil {
			violations = append(violations, fmt.Errorf("--revoked-jti-file: %w", err))
		}
	}
	return violations
}

// warn logs what is noteworthy about the rules.
func (f *trustFiles) warn(ctx context.Context) {
	for _, warning := range f.warnings {
		f.logger.WarnContext(ctx, "--trust: "+warning)
	}
}

// start reads the files again when they change and on SIGHUP, until ctx ends. Without files, SIGHUP ends the process as usual.
func (f *trustFiles) start(ctx context.Context, verifiers accepting) {
	if f.names.TrustFile == "" && f.names.RevokedFile == "" {
		return
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go f.watch(ctx, verifiers, hangups)
}

func (f *trustFiles) watch(ctx context.Context, verifiers accepting, hangups chan os.Signal) {
	defer signal.Stop(hangups)
	look := time.NewTicker(f.interval)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			f.reload(ctx, verifiers, false)
		case <-hangups:
			f.reload(ctx, verifiers, true)
		}
	}
}

// reload reads the files. It uses those that changed, or all that are valid if always is set. After an error, what was read
// before stays in use.
func (f *trustFiles) reload(ctx context.Context, verifiers accepting, always bool) {
	if f.names.RevokedFile != "" {
		f.reloadRevoked(ctx, verifiers, always)
	}
	if f.names.TrustFile == "" {
		return
	}
	file, err := trustfile.Load(f.names.TrustFile)
	if !f.trust.changed(file.Digest, always) {
		return
	}
	if err == nil {
		err = verifiers.Replace(ctx, file.Rules)
	}
	if err != nil {
		f.logger.ErrorContext(ctx, "--trust was not reloaded, and the rules before stay in use", "error", err)
		return
	}
	f.warnings = file.Warnings
	f.logger.InfoContext(ctx, "--trust was reloaded", "rules", len(file.Rules))
	f.warn(ctx)
}

func (f *trustFiles) reloadRevoked(ctx context.Context, verifiers accepting, always bool) {
	text, digest, err := f.readRevoked()
	if !f.revoked.changed(digest, always) {
		return
	}
	var revoked map[string]struct{}
	if err == nil {
		revoked, err = auth.ReadRevoked(bytes.NewReader(text))
	}
	if err != nil {
		f.logger.ErrorContext(ctx, "--revoked-jti-file was not reloaded, and the tokens before stay revoked", "error", err)
		return
	}
	verifiers.Revoke(revoked)
	f.logger.InfoContext(ctx, "--revoked-jti-file was reloaded", "tokens", len(revoked))
}

// readRevoked returns the bytes of the file of revoked tokens and their digest, or an error and its digest.
func (f *trustFiles) readRevoked() (text []byte, digest [sha256.Size]byte, err error) {
	if text, err = os.ReadFile(f.names.RevokedFile); err != nil {
		return nil, sha256.Sum256([]byte(err.Error())), err
	}
	return text, sha256.Sum256(text), nil
}
