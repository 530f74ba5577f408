// Command naive is the baseline of the scenario peers: the server that one writes in an afternoon with Echo, the generated
// interface and GORM. It counts for each request, skips with OFFSET, and loads what a record refers to with Preload. It answers
// the filters by environment and status only, and does not validate requests.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/labstack/echo/v4"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/deployrecords/deployrecords/generated/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

func main() {
	database := flag.String("database", "", "URL of the database")
	secret := flag.String("secret", "", "key of the tokens (HS256)")
	flag.Parse()
	if err := serve(*database, []byte(*secret), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "deployrecords: naive server:", err) // for what waits for it
		os.Exit(1)
	}
}

// serve serves a database on a free port of loopback, which it writes to out, to tokens that are signed with the secret.
func serve(database string, secret []byte, out io.Writer) error {
	db, err := gorm.Open(postgres.Open(database), &gorm.Config{Logger: logger.Discard, PrepareStmt: true})
	if err != nil {
		return err
	}
	pool, err := db.DB()
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(20)
	pool.SetMaxIdleConns(20)
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.GET("/readyz", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	server.RegisterHandlers(e.Group("", authenticate(secret)), server.NewStrictHandler(repository{db}, nil))
	if e.Listener, err = new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	fmt.Fprintf(out, "msg=listening address=%s\n", e.Listener.Addr())
	return e.Start("")
}

type organizationKey struct{}

// authenticate puts the token's organization into the context of the request.
func authenticate(secret []byte) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			var claims struct {
				jwt.RegisteredClaims
				Organization string `json:"org_id"`
			}
			bearer := strings.TrimPrefix(c.Request().Header.Get(echo.HeaderAuthorization), "Bearer ")
			_, err := jwt.ParseWithClaims(bearer, &claims, func(*jwt.Token) (any, error) { return secret, nil }, jwt.WithValidMethods([]string{"HS256"}))
			if err != nil {
				return echo.ErrUnauthorized
			}
			ctx := context.WithValue(c.Request().Context(), organizationKey{}, claims.Organization)
			c.SetRequest(c.Request().WithContext(ctx))
			return next(c)
		}
	}
}

type environment struct{ ID, Name string }

type logicalEnvironment struct{ ID, Name string }

type artifact struct {
	ID, Name, Version, Digest string
	Kind                      deployments.Kind
}

type record struct {
	ID, DeploymentName               string
	EnvironmentID                    string
	Environment                      environment
	LogicalEnvironmentID             *string
	LogicalEnvironment               *logicalEnvironment
	ArtifactID                       string
	Artifact                         artifact
	Status                           deployments.Status
	CreatedAt, UpdatedAt, LastSeenAt time.Time
}

func (environment) TableName() string        { return "environments" }
func (logicalEnvironment) TableName() string { return "logical_environments" }
func (artifact) TableName() string           { return "artifacts" }
func (record) TableName() string             { return "deployment_records" }

type repository struct{ db *gorm.DB }

// ListDeploymentRecords implements server.StrictServerInterface.
func (r repository) ListDeploymentRecords(
	ctx context.Context, request server.ListDeploymentRecordsRequestObject,
) (server.ListDeploymentRecordsResponseObject, error) {
	p := request.Params
	var page, size int32 = 0, 20
	if p.Page != nil {
		page = *p.Page
	}
	if p.PageSize != nil {
		size = *p.PageSize
	}
	var organizationID int64
	if err := r.db.WithContext(ctx).Table("organizations").Select("id").Where("key = ?", ctx.Value(organizationKey{})).Take(&organizationID).Error; err != nil {
		return nil, err
	}
	matching := r.db.WithContext(ctx).Model(&record{}).Where("deployment_records.organization_id = ?", organizationID)
	if p.FullHistory == nil || !*p.FullHistory {
		matching = matching.Joins("JOIN current_slots ON current_slots.record_id = deployment_records.id")
	}
	if p.EnvironmentName != nil {
		matching = matching.Joins("JOIN environments ON environments.id = deployment_records.environment_id").Where("environments.name = ?", *p.EnvironmentName)
	}
	if p.Status != nil {
		status, ok := deployments.ParseStatus(string(*p.Status))
		if !ok {
			return nil, errors.New("unknown status")
		}
		matching = matching.Where("deployment_records.status = ?", status)
	}
	var total int64
	if err := matching.Session(&gorm.Session{}).Count(&total).Error; err != nil {
		return nil, err
	}
	var records []record
	err := matching.Preload("Environment").Preload("LogicalEnvironment").Preload("Artifact").
		Order("deployment_records.created_at DESC, deployment_records.id DESC").Offset(int(page * size)).Limit(int(size)).Find(&records).Error
	if err != nil {
		return nil, err
	}
	list := server.ListDeploymentRecords200JSONResponse{
		DeploymentRecords: make([]server.DeploymentRecord, len(records)),
		Pagination:        server.OffsetPagination{Page: page, PageSize: size, TotalCount: int32(total), TotalPages: (int32(total) + size - 1) / size},
	}
	for i, r := range records {
		list.DeploymentRecords[i] = r.toAPI()
	}
	return list, nil
}

func (r *record) toAPI() server.DeploymentRecord {
	d := server.DeploymentRecord{
		Id: r.ID, EnvironmentId: r.EnvironmentID, EnvironmentName: r.Environment.Name, DeploymentName: r.DeploymentName,
		ArtifactId: r.ArtifactID, Artifact: server.Artifact{Digest: r.Artifact.Digest, Kind: r.Artifact.Kind.String(), Name: r.Artifact.Name, Version: r.Artifact.Version},
		Status: server.DeploymentStatus(r.Status.String()), CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, LastSeenAt: r.LastSeenAt,
		LogicalEnvironmentId: r.LogicalEnvironmentID,
	}
	if r.LogicalEnvironment != nil {
		d.LogicalEnvironmentName = &r.LogicalEnvironment.Name
	}
	return d
}
