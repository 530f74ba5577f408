package config

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// No spelling of a password that pgx reads is shown.
func TestRedactURLHidesEveryPasswordThatPgxReads(t *testing.T) {
	for _, url := range []string{
		"postgres://u:hunter2@h/db",
		"postgres://u:hunter2%23@h/db",
		"postgres://u:12#hunter2@h/db",
		"postgres://u:12?hunter2@h/db",
		"postgres://u:#hunter2@h/db",
		"postgres://h/db?user=u&password=hunter2",
		"postgres://h/db?user=u&password=a;hunter2",
		"postgres://h/db?user=u&password=hunter2;a&sslmode=disable",
		"postgres://h/db?user=u&pass%77ord=hunter2",
		"postgres://h/db?user=u&password=hunter2#x",
	} {
		if got := RedactURL(url); strings.Contains(got, "hunter2") {
			t.Errorf("%s is shown as %s", url, got)
		}
		if config, err := pgx.ParseConfig(url); err == nil && !strings.Contains(config.Password, "hunter2") {
			t.Logf("pgx reads another password of %s", url)
		}
	}
	const file = "sqlite:///home/u@h/records.db"
	if got := RedactURL(file); got != file {
		t.Errorf("got %s, want %s", got, file)
	}
	const url = "postgres://u:xxxxx@h:5433/db?sslmode=disable"
	if got := RedactURL(strings.ReplaceAll(url, "xxxxx", "hunter2")); got != url {
		t.Errorf("got %s, want %s", got, url)
	}
}
