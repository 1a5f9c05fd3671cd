package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/bus"
	"github.com/drydock-dev/drydock/internal/server/store"
)

const (
	lodash = "pkg:npm/lodash@4.17.20"
	leftpd = "pkg:npm/left-pad@1.0.0"
	delta  = `{"id":"GHSA-aaaa-bbbb-cccc","modified":"2026-11-01T00:00:00Z","aliases":["CVE-2026-0001"],"summary":"Prototype pollution in lodash","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"npm","name":"lodash"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"4.17.21"}]}]}]}`
)

// TestEveryRouteKeepsToItsDocument holds the OpenAPI document to the routes that
// there are, and every answer to what the document says of it.
func TestEveryRouteKeepsToItsDocument(t *testing.T) {
	w := start(t)
	doc := readDocument(t)
	routes := api.Routes()
	var described []string
	for path, methods := range doc.Paths {
		for m := range methods {
			described = append(described, strings.ToUpper(m)+" "+path)
		}
	}
	slices.Sort(routes)
	slices.Sort(described)
	if !slices.Equal(routes, described) {
		t.Fatalf("routes    %q\ndescribed %q", routes, described)
	}

	met := map[string]bool{}
	try := func(route, path, body string, want int, header ...string) answer {
		t.Helper()
		method, pattern, _ := strings.Cut(route, " ")
		a := w.ask(method, path, body, header...)
		if a.status != want {
			t.Errorf("%s %s: %d, want %d: %s", method, path, a.status, want, a.body)
		}
		doc.hold(t, method, pattern, a)
		met[fmt.Sprintf("%s %d", route, a.status)] = true
		return a
	}
	try("GET /healthz", "/healthz", "", 200)
	try("GET /metrics", "/metrics", "", 200)
	var img struct{ ID string }
	for range 2 { // the same document twice is one image
		a := try("POST /api/v1/images", "/api/v1/images?ref=acme/web:1.4&env=prod&base=node:24&platform=linux/amd64", cdx("acme/web", lodash, leftpd), 202)
		was := img.ID
		if err := json.Unmarshal(a.body, &img); err != nil || was != "" && was != img.ID {
			t.Fatalf("%s %v", a.body, err)
		}
	}
	try("POST /api/v1/advisories", "/api/v1/advisories", delta, 202)
	w.settle()
	try("GET /readyz", "/readyz", "", 200)
	away, err := bus.Open(t.Context(), bus.Options{URL: "nats://127.0.0.1:1", Store: w.svc.Store, Log: w.svc.Log})
	if err != nil {
		t.Fatal(err)
	}
	w.svc.Bus = away
	if a := try("GET /readyz", "/readyz", "", 200); !strings.Contains(string(a.body), `"up":false`) {
		t.Errorf("%s", a.body)
	}
	w.svc.Bus = nil
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := away.Run(ctx); err != nil { // it ends the connection
		t.Fatal(err)
	}
	a := try("GET /api/v1/images", "/api/v1/images", "", 200)
	if !strings.Contains(string(a.body), `"total":1`) || !strings.Contains(string(a.body), `"critical":1`) {
		t.Errorf("%s", a.body)
	}
	try("GET /api/v1/images/{id}", "/api/v1/images/"+img.ID, "", 200)
	a = try("GET /api/v1/images/{id}/findings", "/api/v1/images/"+img.ID+"/findings", "", 200)
	if !strings.Contains(string(a.body), `"id":"CVE-2026-0001"`) || !strings.Contains(string(a.body), `"advisory":"GHSA-aaaa-bbbb-cccc"`) {
		t.Errorf("%s", a.body)
	}
	try("GET /api/v1/images/{id}/sbom", "/api/v1/images/"+img.ID+"/sbom?format=cyclonedx", "", 200)
	try("GET /api/v1/images/{id}/sbom", "/api/v1/images/"+img.ID+"/sbom?format=spdx-tag-value", "", 200)
	try("GET /api/v1/images/{id}/sbom", "/api/v1/images/"+img.ID+"/sbom?format=docx", "", 400)
	a = try("GET /api/v1/images/{id}/report", "/api/v1/images/"+img.ID+"/report", "", 200)
	if !strings.Contains(string(a.body), "CVE-2026-0001") || !strings.Contains(string(a.body), "lodash") {
		t.Errorf("%s", a.body)
	}
	route := "GET /api/v1/images/{id}/recommendations"
	if a = try(route, "/api/v1/images/"+img.ID+"/recommendations", "", 200); !strings.Contains(string(a.body), `"ref":"node:24"`) {
		t.Errorf("%s", a.body)
	}
	for _, list := range []string{"vulnerabilities", "packages", "bases", "running", "policies", "exceptions", "feeds"} {
		try("GET /api/v1/"+list, "/api/v1/"+list, "", 200)
		try("GET /api/v1/"+list, "/api/v1/"+list+"?format=csv", "", 200)
		try("GET /api/v1/"+list, "/api/v1/"+list+"?format=doc", "", 400)
		try("GET /api/v1/"+list, "/api/v1/"+list+"?cursor=x", "", 400)
		try("GET /api/v1/"+list, "/api/v1/"+list+"?limit=0", "", 400)
		try("GET /api/v1/"+list, "/api/v1/"+list+"?severity=awful", "", 400)
	}
	try("GET /api/v1/images", "/api/v1/images?format=csv", "", 200)
	try("GET /api/v1/images", "/api/v1/images?fixable=maybe", "", 400)
	for _, id := range []string{"CVE-2026-0001", "GHSA-aaaa-bbbb-cccc"} {
		try("GET /api/v1/vulnerabilities/{id}", "/api/v1/vulnerabilities/"+id, "", 200)
	}
	try("PUT /api/v1/running/{id}", "/api/v1/running/c1", `{"name":"web","ref":"acme/web:1.4","host":"h1","env":"prod"}`, 200)
	try("PUT /api/v1/running/{id}", "/api/v1/running/c2", `{"name":"web"}`, 400)
	try("PUT /api/v1/running/{id}", "/api/v1/running/c3", `{"name":"other","ref":"nobody/knows:1"}`, 200)
	a = try("GET /api/v1/running", "/api/v1/running", "", 200)
	if !strings.Contains(string(a.body), `"total":2`) {
		t.Errorf("%s", a.body)
	}
	host := func(engine, cause, containers string) string {
		return `{"engine":"` + engine + `","env":"prod","every":60,"cause":"` + cause + `","images":[{"ref":"acme/web:1.4","digest":"sha256:` + strings.Repeat("a", 64) + `"}],"containers":[` + containers + `]}`
	}
	c9 := `{"id":"c9","name":"web","host":"","ref":"acme/web:1.4","since":"2026-11-01T00:00:00Z","digest":"sha256:` + strings.Repeat("a", 64) + `","declared":{"user":"app","ports":["0.0.0.0:80->80/tcp"]}}`
	try("PUT /api/v1/hosts/{id}", "/api/v1/hosts/h9", host("e1", "connect", c9), 200)
	try("PUT /api/v1/hosts/{id}", "/api/v1/hosts/h9", host("e2", "connect", c9), 409)
	try("PUT /api/v1/hosts/{id}", "/api/v1/hosts/h9", host("e1", "now", c9), 400)
	try("PUT /api/v1/hosts/{id}", "/api/v1/hosts/h9", host("e1", "event", c9+","+c9), 400)
	try("PUT /api/v1/hosts/{id}", "/api/v1/hosts/h9", strings.Repeat(" ", 17<<20), 413)
	try("GET /api/v1/hosts", "/api/v1/hosts", "", 200)
	try("GET /api/v1/hosts", "/api/v1/hosts?format=csv", "", 200)
	try("GET /api/v1/hosts", "/api/v1/hosts?limit=0", "", 400)
	if a = try("GET /api/v1/running", "/api/v1/running?q=h9", "", 200); !strings.Contains(string(a.body), `"user":"app"`) {
		t.Errorf("%s", a.body)
	}
	try("DELETE /api/v1/hosts/{id}", "/api/v1/hosts/h9", "", 204)
	try("DELETE /api/v1/hosts/{id}", "/api/v1/hosts/h9", "", 404)
	overview(t, w, try)
	try("DELETE /api/v1/running/{id}", "/api/v1/running/c3", "", 204)
	try("DELETE /api/v1/running/{id}", "/api/v1/running/c3", "", 404)
	a = try("POST /api/v1/exceptions", "/api/v1/exceptions", `{"vulnerability":"CVE-2026-0001","state":"accepted","reason":"only in tests","until":"2099-01-01T00:00:00Z"}`, 201)
	var e struct{ ID string }
	if err := json.Unmarshal(a.body, &e); err != nil {
		t.Fatal(err)
	}
	try("POST /api/v1/exceptions", "/api/v1/exceptions", `{"vulnerability":"CVE-2026-0001","state":"never"}`, 400)
	try("POST /api/v1/exceptions", "/api/v1/exceptions", `{"vulnerability":`, 400)
	try("POST /api/v1/exceptions", "/api/v1/exceptions", `{"reason":"`+strings.Repeat("x", 70<<10)+`"}`, 413)
	try("GET /api/v1/exceptions/{id}", "/api/v1/exceptions/"+e.ID, "", 200)
	a = try("GET /api/v1/images/{id}/findings", "/api/v1/images/"+img.ID+"/findings", "", 200)
	if !strings.Contains(string(a.body), `"exception":"`+e.ID) {
		t.Errorf("%s", a.body)
	}
	a = try("GET /api/v1/images", "/api/v1/images", "", 200)
	if !strings.Contains(string(a.body), `"critical":0`) || !strings.Contains(string(a.body), `"suppressed":1`) {
		t.Errorf("%s", a.body)
	}
	try("PATCH /api/v1/exceptions/{id}", "/api/v1/exceptions/"+e.ID, `{"until":"2020-01-01T00:00:00Z"}`, 200)
	a = try("GET /api/v1/images", "/api/v1/images", "", 200)
	if !strings.Contains(string(a.body), `"critical":1`) {
		t.Errorf("an exception that ended holds: %s", a.body)
	}
	try("PATCH /api/v1/exceptions/{id}", "/api/v1/exceptions/"+e.ID, `{"reason":""}`, 400)
	try("PATCH /api/v1/exceptions/{id}", "/api/v1/exceptions/none", `{}`, 404)
	try("DELETE /api/v1/exceptions/{id}", "/api/v1/exceptions/"+e.ID, "", 204)
	try("DELETE /api/v1/exceptions/{id}", "/api/v1/exceptions/"+e.ID, "", 404)
	try("GET /api/v1/exceptions/{id}", "/api/v1/exceptions/"+e.ID, "", 404)
	for _, p := range []string{"images/none", "images/none/findings", "images/none/sbom", "images/none/report", "images/none/recommendations", "vulnerabilities/CVE-1999-1"} {
		route := "GET /api/v1/" + strings.Replace(strings.Replace(p, "none", "{id}", 1), "CVE-1999-1", "{id}", 1)
		try(route, "/api/v1/"+p, "", 404)
	}
	const openvex = `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a","timestamp":"2026-11-02T00:00:00Z","statements":[{"vulnerability":{"name":"CVE-2026-0001"},` +
		`"products":[{"@id":"pkg:npm/lodash"}],"status":"not_affected","justification":"vulnerable_code_not_present"}]}`
	a = try("POST /api/v1/vex", "/api/v1/vex?id=ours", openvex, 202)
	if !strings.Contains(string(a.body), `"closed":1`) {
		t.Errorf("%s", a.body)
	}
	a = try("GET /api/v1/images/{id}/findings", "/api/v1/images/"+img.ID+"/findings", "", 200)
	if !strings.Contains(string(a.body), `"exception":"vex ours"`) {
		t.Errorf("%s", a.body)
	}
	try("GET /api/v1/vex", "/api/v1/vex", "", 200)
	try("GET /api/v1/vex", "/api/v1/vex?format=csv", "", 200)
	try("POST /api/v1/vex", "/api/v1/vex", openvex, 400)
	try("POST /api/v1/vex", "/api/v1/vex?id=a/b", openvex, 400)
	try("POST /api/v1/vex", "/api/v1/vex?id=ours", `{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":"CVE-1","status":"perhaps"}]}`, 422)
	try("POST /api/v1/vex", "/api/v1/vex?id=ours", "[]", 422)
	try("DELETE /api/v1/vex/{id}", "/api/v1/vex/ours", "", 204)
	try("DELETE /api/v1/vex/{id}", "/api/v1/vex/ours", "", 404)
	a = try("POST /api/v1/webhooks", "/api/v1/webhooks", `{"url":"https://hooks.example/T0/B0/secret-path","format":"slack","severity":"HIGH"}`, 201)
	var hook struct{ ID, Secret, Target string }
	if err := json.Unmarshal(a.body, &hook); err != nil || !strings.HasPrefix(hook.Secret, "whsec_") || hook.Target != "https://hooks.example/…" {
		t.Fatalf("%v %s", err, a.body)
	}
	for _, body := range []string{
		`{"url":"http://hooks.example/x"}`, `{"url":"https://127.0.0.1/x"}`, `{"url":"https://[fe80::1]/x"}`, `{"url":"https://169.254.169.254/x"}`,
		`{"url":"https://localhost:9/x"}`, `{"url":"https://a:b@hooks.example/x"}`, `{"url":"file:///etc/passwd"}`, `{}`, `{"url":"https://x.example","format":"xml"}`,
		`{"url":"https://x.example","secret":"short"}`, `{"url":"https://x.example","severity":"awful"}`, `{"url":"https://x.example","env":"a\nb"}`,
	} {
		try("POST /api/v1/webhooks", "/api/v1/webhooks", body, 400)
	}
	for _, l := range []string{"webhooks", "messages"} {
		try("GET /api/v1/"+l, "/api/v1/"+l+"?format=csv", "", 200)
		try("GET /api/v1/"+l, "/api/v1/"+l+"?limit=0", "", 400)
		if a = try("GET /api/v1/"+l, "/api/v1/"+l, "", 200); strings.Contains(string(a.body), "secret-path") || strings.Contains(string(a.body), hook.Secret) {
			t.Errorf("a secret is shown: %s", a.body)
		}
	}
	a = try("POST /api/v1/webhooks/{id}/test", "/api/v1/webhooks/"+hook.ID+"/test", "", 202)
	var sent struct{ ID string }
	if err := json.Unmarshal(a.body, &sent); err != nil {
		t.Fatal(err)
	}
	try("POST /api/v1/webhooks/{id}/test", "/api/v1/webhooks/none/test", "", 404)
	try("POST /api/v1/messages/{id}/retry", "/api/v1/messages/"+sent.ID+"/retry", "", 404)
	j, err := w.svc.Store.ClaimJob(t.Context(), store.JobMessage, time.Minute)
	if err != nil || j == nil {
		t.Fatalf("%v %v", j, err)
	}
	if err := w.svc.Store.EndJob(t.Context(), j, store.JobDead, time.Now(), "nobody answers"); err != nil {
		t.Fatal(err)
	}
	if a = try("GET /api/v1/messages", "/api/v1/messages", "", 200); !strings.Contains(string(a.body), `"state":"dead"`) || !strings.Contains(string(a.body), "nobody answers") {
		t.Errorf("%s", a.body)
	}
	try("POST /api/v1/messages/{id}/retry", "/api/v1/messages/"+sent.ID+"/retry", "", 202)
	try("DELETE /api/v1/webhooks/{id}", "/api/v1/webhooks/"+hook.ID, "", 204)
	try("DELETE /api/v1/webhooks/{id}", "/api/v1/webhooks/"+hook.ID, "", 404)
	const media = "application/vnd.docker.distribution.events.v1+json"
	notified := func(want int, query, host, repository, tag string) answer {
		t.Helper()
		body := fmt.Sprintf(`{"events":[{"id":"1","action":"push","target":{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","digest":"sha256:%s","repository":%q,"tag":%q},"request":{"host":%q}}]}`,
			strings.Repeat("b", 64), repository, tag, host)
		return try("POST /api/v1/registry/events", "/api/v1/registry/events"+query, body, want, "Content-Type", media)
	}
	for range 2 { // told twice, it is pulled once
		if a = notified(202, "?env=prod", "registry.example", "acme/web", "9"); !strings.Contains(string(a.body), `"wanted":1`) {
			t.Errorf("%s", a.body)
		}
	}
	notified(202, "?registry=registry.example", "10.0.0.9:5000", "acme/web", "10")
	notified(403, "", "evil.example", "acme/web", "9")
	notified(403, "", "registry.example.evil.example", "acme/web", "9")
	notified(403, "", "registry.example", "../../etc", "9")
	notified(403, "", "registry.example@evil.example", "acme/web", "9")
	notified(403, "", "", "evil.example/acme/web", "9")
	notified(403, "", "registry.example", "acme/web", "a\nb")
	notified(403, "", "169.254.169.254", "latest/meta-data", "9")
	notified(403, "?registry=evil.example", "registry.example", "acme/web", "9")
	notified(202, "", "registry.example", "acme/web", "") // by digest alone: of no tag
	for body, want := range map[string]int{
		`{"events":`: 400, `{"events":[]} x`: 400, `{"events":[` + strings.Repeat(`{},`, 1000) + `{}]}`: 400, `{"events":[],"x":"` + strings.Repeat("x", 2<<20) + `"}`: 413,
		`{"events":[{"action":"delete"},{"action":"pull","target":{"tag":"1"}}]}`: 202,
	} {
		try("POST /api/v1/registry/events", "/api/v1/registry/events", body, want, "Content-Type", media)
	}
	try("POST /api/v1/registry/events", "/api/v1/registry/events", "{}", 415, "Content-Type", "text/plain")
	try("POST /api/v1/pulls", "/api/v1/pulls?ref=nginx:1.25", "", 202)
	try("POST /api/v1/pulls", "/api/v1/pulls?ref=evil.example/x:1", "", 403)
	try("POST /api/v1/pulls", "/api/v1/pulls?ref=http://registry.example/x", "", 403)
	try("POST /api/v1/pulls", "/api/v1/pulls", "", 400)
	try("POST /api/v1/images", "/api/v1/images?ref=registry.example/acme/api:1", "", 202)
	try("GET /api/v1/pulls", "/api/v1/pulls?format=csv", "", 200)
	try("GET /api/v1/pulls", "/api/v1/pulls?limit=0", "", 400)
	if a = try("GET /api/v1/pulls", "/api/v1/pulls", "", 200); !strings.Contains(string(a.body), `"total":4`) || !strings.Contains(string(a.body), "registry.example/acme/web:10") || strings.Contains(string(a.body), "evil") {
		t.Errorf("%s", a.body)
	}
	try("POST /api/v1/images", "/api/v1/images", cdx("x", lodash), 400)
	try("POST /api/v1/images", "/api/v1/images?ref=x", "no SBOM", 422)
	try("POST /api/v1/images", "/api/v1/images?ref=x&digest=sha256:1", cdx("x", lodash), 400)
	try("POST /api/v1/images", "/api/v1/images?ref="+strings.Repeat("x", 2000), cdx("x", lodash), 400)
	try("POST /api/v1/images", "/api/v1/images?ref=a%0Ab", cdx("x", lodash), 400)
	try("POST /api/v1/advisories", "/api/v1/advisories", "{", 400)
	a = try("GET /api/v1/export", "/api/v1/export", "", 200)
	doc.value(t, "ExportLine", bytes.Split(a.body, []byte("\n"))[0])
	try("GET /api/v1/openapi.json", "/api/v1/openapi.json", "", 200)
	try("GET /api/v1/events", "/api/v1/events?after=x", "", 400)
	for _, route := range routes {
		method, pattern, _ := strings.Cut(route, " ")
		path := strings.Replace(pattern, "{id}", "x", 1)
		if path == "/healthz" {
			continue
		}
		if method != "GET" {
			try(route, path, "", 401, "Authorization", "")
			try(route, path, "", 401, "Authorization", "Bearer wrong")
		}
		try(route, path, "", 421, "Host", "evil.example")
		try(route, path, "", 403, "Sec-Fetch-Site", "cross-site")
		try(route, path, "", 403, "Origin", "https://evil.example")
	}
	for _, route := range routes {
		if !strings.HasSuffix(route, "/events") && !slices.ContainsFunc([]int{200, 201, 202, 204}, func(s int) bool { return met[fmt.Sprintf("%s %d", route, s)] }) {
			t.Errorf("%s was never answered well", route)
		}
	}
}

// document is the OpenAPI document, as far as the test reads it.
type document struct {
	Paths map[string]map[string]struct {
		Responses map[string]struct {
			Content map[string]struct {
				Schema json.RawMessage `json:"schema"`
			} `json:"content"`
		} `json:"responses"`
	} `json:"paths"`
	compiler *jsonschema.Compiler
}

func readDocument(t *testing.T) *document {
	t.Helper()
	var d document
	if err := json.Unmarshal(api.OpenAPI(), &d); err != nil {
		t.Fatal(err)
	}
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(api.OpenAPI()))
	if err != nil {
		t.Fatal(err)
	}
	d.compiler = jsonschema.NewCompiler()
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource("https://drydock.test/openapi.json", raw); err != nil {
		t.Fatal(err)
	}
	return &d
}

// hold holds an answer to the document.
func (d *document) hold(t *testing.T, method, pattern string, a answer) {
	t.Helper()
	r, ok := d.Paths[pattern][strings.ToLower(method)].Responses[fmt.Sprint(a.status)]
	if !ok {
		t.Errorf("%s %s: %d is not described", method, pattern, a.status)
		return
	}
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	c, ok := r.Content[media]
	if !ok && (len(r.Content) > 0 || len(a.body) > 0) {
		t.Errorf("%s %s: %d as %q is not described", method, pattern, a.status, media)
		return
	}
	var ref struct {
		Ref string `json:"$ref"`
	}
	if media != "application/json" || json.Unmarshal(c.Schema, &ref) != nil || ref.Ref == "" {
		return
	}
	d.value(t, strings.TrimPrefix(ref.Ref, "#/components/schemas/"), a.body)
}

func (d *document) value(t *testing.T, schema string, b []byte) {
	t.Helper()
	s, err := d.compiler.Compile("https://drydock.test/openapi.json#/components/schemas/" + schema)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Errorf("%s: %v: %s", schema, err, b)
		return
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%s: %v\n%s", schema, err, b)
	}
}
