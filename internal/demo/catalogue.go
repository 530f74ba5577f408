package demo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// registry is the registry of all artifacts.
const registry = "registry.example.com/"

var smallEnvironments = []struct {
	name string
	kind environmentKind
}{
	{"prod-eu-1", live},
	{"staging-eu-1", staging},
	{"dev-1", development},
	{"prod-us-1", live},
	{"edge-store-042", edge},
	{"edge-store-117", edge},
	{"sandbox-1", sandbox},
}

var smallProjects = []string{"platform", "storefront", "payments"}

// smallComponents are the components of the small company, in descending order of their releases. The environments of a
// chart are among those of the image with its name, if there is one.
var smallComponents = []struct {
	name         string
	kind         deployments.Kind
	projects     string
	environments string
}{
	{"web", deployments.ContainerImage, "storefront", "dev-1 staging-eu-1 prod-eu-1 prod-us-1 sandbox-1"},
	{"checkout", deployments.ContainerImage, "payments storefront", "dev-1 staging-eu-1 prod-eu-1 prod-us-1"},
	{"till-sync", deployments.ContainerImage, "platform", "dev-1 edge-store-042 edge-store-117"},
	{"catalog", deployments.ContainerImage, "storefront", "dev-1 staging-eu-1 prod-eu-1 prod-us-1"},
	{"api-gateway", deployments.ContainerImage, "platform", "dev-1 staging-eu-1 prod-eu-1 prod-us-1"},
	{"search", deployments.ContainerImage, "storefront", "dev-1 staging-eu-1 prod-eu-1 prod-us-1 sandbox-1"},
	{"cart", deployments.ContainerImage, "storefront", "dev-1 staging-eu-1 prod-eu-1 prod-us-1"},
	{"card-gateway", deployments.ContainerImage, "payments", "dev-1 staging-eu-1 prod-eu-1 prod-us-1"},
	{"accounts", deployments.ContainerImage, "platform", "dev-1 staging-eu-1 prod-eu-1 prod-us-1"},
	{"ledger", deployments.ContainerImage, "payments", "dev-1 staging-eu-1 prod-eu-1"},
	{"checkout", deployments.HelmChart, "payments", "staging-eu-1 prod-eu-1 prod-us-1"},
	{"notifications", deployments.ContainerImage, "platform", "dev-1 staging-eu-1 prod-eu-1"},
	{"api-gateway", deployments.HelmChart, "platform", "staging-eu-1 prod-eu-1 prod-us-1"},
	{"invoicing", deployments.ContainerImage, "payments", "dev-1 staging-eu-1 prod-eu-1 sandbox-1"},
	{"observability", deployments.HelmChart, "platform", "dev-1 staging-eu-1 prod-eu-1 prod-us-1"},
	{"secret-sync", deployments.HelmChart, "", "staging-eu-1 prod-eu-1 prod-us-1 edge-store-042"},
}

// Parts of the generated names of a big company.
var (
	regions = []string{"eu", "us", "ap", "sa", "af", "me"}
	areas   = []string{
		"pricing", "stock", "loyalty", "returns", "shipping", "routing", "tax", "fraud", "reviews", "media", "profile", "consent",
		"coupon", "gift", "label", "quote", "ticket", "survey", "audit", "export", "replica", "forecast", "menu", "seat",
	}
	roles = []string{"api", "worker", "cron", "indexer", "stream", "admin", "cache", "bridge", "reporter", "gateway"}
)

// newCompany creates a company whose size depends on the number of records, unless o.Slots is set.
func newCompany(random *rand.Rand, o Options) *company {
	c := &company{namespace: uuid.NewSHA1(uuid.NameSpaceDNS, fmt.Append(nil, "demo.deployrecords.example/", o.Seed))}
	for _, name := range smallProjects {
		c.projects = append(c.projects, project{name: name, version: int32(1 + random.IntN(5))})
	}
	for _, e := range smallEnvironments {
		c.addEnvironment(e.name, e.kind)
	}
	for _, f := range smallComponents {
		var projects []int
		for name := range strings.FieldsSeq(f.projects) {
			projects = append(projects, slices.Index(smallProjects, name))
		}
		var environments []int
		for name := range strings.FieldsSeq(f.environments) {
			environments = append(environments, slices.IndexFunc(c.environments, func(e environment) bool { return e.name == name }))
		}
		c.addComponent(random, f.name, f.kind, projects, environments)
	}
	slots := o.Slots
	if slots == 0 {
		slots = min(o.Records/50, maxSlots)
	}
	if slots > len(c.targets) {
		c.grow(random, slots)
	}
	for i := range c.components {
		share := int64(1_000_000 / (i + 4))
		if i > 0 {
			share += c.cumulativeShares[i-1]
		}
		c.cumulativeShares = append(c.cumulativeShares, share)
	}
	return c
}

// grow adds environments and components until there are about slots slots.
func (c *company) grow(random *rand.Rand, slots int) {
	for i := len(c.environments); i < min(slots/100, 200); i++ {
		region := regions[i%len(regions)]
		switch i % 10 {
		case 0:
			c.addEnvironment(fmt.Sprintf("dev-%d", i), development)
		case 1:
			c.addEnvironment(fmt.Sprintf("staging-%s-%d", region, i), staging)
		case 2:
			c.addEnvironment(fmt.Sprintf("sandbox-%d", i), sandbox)
		case 3, 4, 5:
			c.addEnvironment(fmt.Sprintf("edge-store-%03d", 200+i), edge)
		default:
			c.addEnvironment(fmt.Sprintf("prod-%s-%d", region, i), live)
		}
	}
	for i := len(c.projects); i < slots/500; i++ {
		c.projects = append(c.projects, project{name: fmt.Sprintf("%s-%02d", areas[i%len(areas)], i)})
	}
	reach := 4 + len(c.environments)/4
	for i := 0; len(c.targets) < slots; i++ {
		name := fmt.Sprintf("%s-%s-%02d", areas[i%len(areas)], roles[i/len(areas)%len(roles)], i/len(areas)/len(roles)+1)
		projects := []int{random.IntN(len(c.projects))}
		if other := random.IntN(len(c.projects)); other != projects[0] && random.IntN(10) == 0 {
			projects = append(projects, other)
		}
		environments := c.randomEnvironments(random, reach/2+random.IntN(reach+1))
		c.addComponent(random, name, deployments.ContainerImage, projects, environments)
		if random.IntN(8) == 0 {
			c.addComponent(random, name, deployments.HelmChart, projects, environments[:(len(environments)+1)/2])
		}
	}
}

// randomEnvironments returns count different environments. The first ones of the list are more likely, so that some
// environments have nearly every component and some have few.
func (c *company) randomEnvironments(random *rand.Rand, count int) []int {
	var chosen []int
	for len(chosen) < min(count, len(c.environments)) {
		// The minimum of two random indexes favors low ones.
		i := min(random.IntN(len(c.environments)), random.IntN(len(c.environments)))
		if !slices.Contains(chosen, i) {
			chosen = append(chosen, i)
		}
	}
	return chosen
}

func (c *company) addEnvironment(name string, kind environmentKind) {
	e := environment{name: name, id: c.id("environment", name), kind: kind}
	if logical := logicalNames[kind]; logical != "" {
		e.logicalID = c.id("logical environment", logical)
	}
	c.environments = append(c.environments, e)
}

func (c *company) addComponent(random *rand.Rand, name string, kind deployments.Kind, projects, environments []int) {
	added := component{
		deployment: name,
		projects:   projects,
		artifact:   deployments.Artifact{Kind: kind, Name: registry + "charts/" + name},
		last:       release{major: int32(random.IntN(4)), minor: int32(random.IntN(20)), patch: int32(random.IntN(5))},
	}
	if kind == deployments.ContainerImage {
		added.artifact.Name = registry + name
		if len(projects) > 0 {
			added.artifact.Name = registry + c.projects[projects[0]].name + "/" + name
		}
	}
	environments = slices.Clone(environments)
	slices.SortStableFunc(environments, func(a, b int) int {
		return int(c.environments[a].kind) - int(c.environments[b].kind)
	})
	for i, e := range environments {
		number := int32(len(c.targets))
		added.targets = append(added.targets, number)
		c.targets = append(c.targets, target{number: number, component: int32(len(c.components)), environment: int32(e), first: i == 0})
	}
	c.components = append(c.components, added)
}
