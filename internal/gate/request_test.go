package gate

import (
	"bufio"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func post(uri, body string) *Request {
	r := &Request{Method: "POST", URI: uri, Headers: map[string]string{"Content-Length": "0"}}
	if body != "" {
		r.Body = []byte(body)
		r.Headers = map[string]string{"Content-Type": "application/json"}
	}
	return r
}

func TestParse(t *testing.T) {
	for uri, want := range map[string]struct {
		kind Kind
		name string
	}{
		"GET /_ping":                       {Read, ""},
		"HEAD /_ping":                      {Read, ""},
		"GET /v1.41/containers/json?all=1": {Read, ""},
		"GET /v1.56/images/127.0.0.1:5000/me/app:v1/json": {Read, "127.0.0.1:5000/me/app:v1"},
		"GET /images/a@sha256:12/json":                    {Read, "a@sha256:12"},
		"POST /containers/create":                         {Create, ""},
		"POST /v1.24/containers/create?name=x":            {Create, ""},
		"POST /containers/create/start":                   {StartCall, "create"}, // a container of this name
		"POST /containers/a_b.c-d/restart":                {StartCall, "a_b.c-d"},
		"POST /containers/x/unpause":                      {StartCall, "x"},
		"POST /containers/x/exec":                         {Exec, "x"},
		"POST /exec/0a/start":                             {ExecStart, "0a"},
		"POST /containers/x/update":                       {Update, "x"},
		"POST /containers/x/rename?name=y":                {Rename, "x"},
		"POST /containers/prune":                          {Harmless, ""},
		"PUT /containers/x/archive?path=/":                {Archive, "x"},
		"DELETE /containers/x?force=1":                    {Remove, "x"},
		"POST /images/create?fromImage=x":                 {Pull, ""},
		"POST /images/a/b/tag?repo=c":                     {Tag, "a/b"},
		"POST /images/create/tag?repo=c":                  {Tag, "create"},
		"POST /images/load":                               {Load, ""},
		"DELETE /images/a/b:c":                            {RemoveImage, "a/b:c"},
		"POST /build?t=a&t=b":                             {Build, ""},
		"POST /session":                                   {Session, ""},
		"POST /grpc":                                      {Session, ""},
		"POST /commit?container=x":                        {Commit, ""},
		"POST /plugins/pull?remote=x":                     {Plugins, ""},
		"POST /plugins/a/b:c/enable":                      {Plugins, "a/b:c"},
		"POST /plugins/drydock/disable":                   {Plugins, "drydock"},
		"DELETE /plugins/a":                               {Plugins, "a"},
		"POST /swarm/init":                                {Swarm, ""},
		"POST /services/create":                           {ServiceCall, ""},
		"POST /services/x/update?version=1":               {ServiceCall, "x"},
		"POST /volumes/create":                            {VolumeCreate, ""},
		"POST /networks/x/connect":                        {NetworkJoin, "x"},
		"POST /auth":                                      {Login, ""},
	} {
		method, path, _ := strings.Cut(uri, " ")
		r := &Request{Method: method, URI: path, Headers: map[string]string{"Content-Length": "0"}}
		if want.kind.body() == jsonBody {
			r.Body, r.Headers = []byte("{}"), map[string]string{"content-type": "application/json; charset=utf-8"}
		}
		c, err := Parse(r)
		if err != nil || c.Kind != want.kind || c.Name != want.name {
			t.Errorf("%s: %+v %v, want %+v", uri, c, err, want)
		}
	}
}

// TestParseRefuses is what two readers could understand differently, and what nobody
// here knows.
func TestParseRefuses(t *testing.T) {
	long := map[string]string{"Content-Type": "application/json", "Content-Length": "2000000"}
	for name, r := range map[string]*Request{
		"an escaped slash":          post("/containers%2Fcreate", "{}"),
		"an escaped letter":         post("/containers/%63reate", "{}"),
		"an escaped version":        post("/v1%2E41/containers/create", "{}"),
		"two slashes":               post("//containers/create", "{}"),
		"two slashes within":        post("/containers//create", "{}"),
		"a dot":                     post("/./containers/create", "{}"),
		"dots":                      post("/images/../containers/create", "{}"),
		"the absolute form":         post("http://docker/containers/create", "{}"),
		"a backslash":               post(`/containers\create`, "{}"),
		"a fragment":                post("/containers/create#x", "{}"),
		"a fragment in the query":   post("/containers/create?name=a#x", "{}"),
		"a slash at the end":        post("/containers/create/", "{}"),
		"nothing":                   post("", "{}"),
		"a star":                    {Method: "OPTIONS", URI: "*"},
		"another case":              post("/Containers/create", "{}"),
		"an unknown call":           post("/containers/x/explode", ""),
		"an unknown method":         {Method: "PATCH", URI: "/containers/x/start"},
		"a method in lower case":    {Method: "post", URI: "/containers/x/start"},
		"a version of old":          post("/v1.23/containers/create", "{}"),
		"a version to come":         post("/v1.57/containers/create", "{}"),
		"a version of three parts":  post("/v1.41.0/containers/create", "{}"),
		"a version without a point": post("/v1/containers/create", "{}"),
		"a version twice":           post("/v1.41/v1.41/containers/create", "{}"),
		"a container with a slash":  post("/containers/a/b/start", ""),
		"a query's key twice":       post("/images/create?fromImage=a&fromImage=b", ""),
		"a semicolon":               post("/images/create?fromImage=a;tag=b", ""),
		"a bad escape":              post("/images/create?fromImage=%zz", ""),
		"no body where one is due":  post("/containers/create", ""),
		"a body that is hidden":     {Method: "POST", URI: "/containers/create", Headers: long},
		"a hidden body of exec":     {Method: "POST", URI: "/containers/x/exec", Headers: long},
		"a hidden body of a volume": {Method: "POST", URI: "/volumes/create", Headers: long},
		"another type":              {Method: "POST", URI: "/containers/create", Body: []byte("{}"), Headers: map[string]string{"Content-Type": "text/plain"}},
		"a body of start":           post("/containers/x/start", `{"Privileged":true}`),
		"a hidden body of start":    {Method: "POST", URI: "/containers/x/start", Headers: long},
		"a chunked body of start":   {Method: "POST", URI: "/containers/x/start", Headers: map[string]string{"Content-Type": "text/plain"}},
		"a form of a pull":          {Method: "POST", URI: "/images/create?fromImage=a", Headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "20"}},
		"a form of a build":         {Method: "POST", URI: "/build?t=a", Headers: map[string]string{"Content-Type": "Application/X-WWW-Form-Urlencoded"}},
		"a form of a tag":           {Method: "POST", URI: "/images/a/tag?repo=b", Headers: map[string]string{"Content-Type": "multipart/form-data", "Content-Length": "20"}},
		"a form of a rename":        {Method: "POST", URI: "/containers/a/rename?name=b", Headers: map[string]string{"Content-Length": "20"}},
		"a hidden body of attach":   {Method: "POST", URI: "/containers/a/attach", Headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
	} {
		if c, err := Parse(r); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestStrict(t *testing.T) {
	for name, text := range map[string]string{
		"what is there": `{"Image":"a","HostConfig":{"Privileged":false,"Binds":["/a:/b"]},"Labels":{"a":"1","A":"2"}}`,
		"white space":   " {\"Image\":\"a\"} \n\t",
		"nulls":         `{"Image":"a","HostConfig":null,"Entrypoint":null,"Volumes":null}`,
		"own decoders":  `{"Image":"a","Entrypoint":["a"],"Cmd":["b"],"HostConfig":{"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"0"}]}}}`,
		"old keys":      `{"Image":"a","HostConfig":{"KernelMemory":0,"DiskQuota":0}}`,
	} {
		var b createBody
		if err := strict([]byte(text), &b); err != nil || b.Config == nil || b.Image != "a" {
			t.Errorf("%s: %v %+v", name, err, b.Config)
		}
	}
	for name, text := range map[string]string{
		"nothing":                   "",
		"no JSON":                   "Image",
		"half of it":                `{"Image":"a"`,
		"a second value":            `{"Image":"a"}{"Image":"b"}`,
		"a brace":                   `{"Image":"a"}}`,
		"a bracket":                 `{"Image":"a"}]`,
		"a comment":                 `{"Image":"a"}//`,
		"a key twice":               `{"Image":"a","Image":"b"}`,
		"lower case":                `{"Image":"a","hostconfig":{"Privileged":true}}`,
		"both cases":                `{"Image":"a","HostConfig":{},"hostConfig":{"Privileged":true}}`,
		"lower case within":         `{"Image":"a","HostConfig":{"privileged":true}}`,
		"a long s":                  `{"Image":"a","HostConfig":{"Privileged":false,"Bind` + "\u017f" + `":["/:/x"]}}`,
		"a Kelvin sign":             `{"Image":"a","Networ` + "\u212a" + `ingConfig":{}}`,
		"an escaped key twice":      `{"Image":"a","HostConfig":{},"HostConf\u0069g":{"Privileged":true}}`,
		"a host's field at the top": `{"Image":"a","Privileged":true}`,
		"a host's list at the top":  `{"Image":"a","Binds":["/:/x"]}`,
		"an unknown key":            `{"Image":"a","HostConfig":{"Everything":true}}`,
		"a label twice":             `{"Image":"a","Labels":{"a":"1","a":"2"}}`,
		"twice in a list":           `{"Image":"a","HostConfig":{"Mounts":[{"Type":"bind","Type":"volume"}]}}`,
		"case in a list":            `{"Image":"a","HostConfig":{"Mounts":[{"type":"bind","source":"/"}]}}`,
		"another type":              `{"Image":"a","HostConfig":[]}`,
		"another encoding":          "{\"Image\":\"a\xff\"}",
		"a depth":                   `{"Image":"a","Labels":` + strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100) + `}`,
	} {
		var b createBody
		if err := strict([]byte(text), &b); err == nil {
			t.Errorf("%s passes: %+v", name, b)
		}
	}
}

// FuzzRequest: what passes is understood by the Engine's own router and decoder as it is
// here.
func FuzzRequest(f *testing.F) {
	for _, s := range [][3]string{
		{"POST", "/v1.41/containers/create?name=x", `{"Image":"a","HostConfig":{"Privileged":true}}`},
		{"POST", "/containers/a/start", ""},
		{"POST", "/containers%2Fcreate", `{"image":"a"}`},
		{"DELETE", "/images/a/b:c", ""},
		{"POST", "/containers/create", `{"Image":"a","Image":"b","HostConfig":{"CapAdd":["ALL"]}} {}`},
	} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, method, uri, body string) {
		r := &Request{Method: method, URI: uri, Body: []byte(body), Headers: map[string]string{"Content-Type": "application/json"}}
		if body == "" {
			r.Headers = nil
		}
		c, err := Parse(r)
		if err != nil {
			if c != nil && c.Kind != "" && c.Query == nil {
				t.Fatal("half a call")
			}
			return
		}
		// The path that a server sees has the name at the same place.
		q, err := http.ReadRequest(bufferOf(method + " " + uri + " HTTP/1.1\r\nHost: d\r\n\r\n"))
		if err != nil {
			t.Skip()
		}
		if path, _, _ := strings.Cut(uri, "?"); q.URL.Path != path {
			t.Fatalf("the Engine sees the path %q of %q", q.URL.Path, uri)
		}
		for k, v := range q.URL.Query() {
			if !slices.Equal(v, c.Query[k]) {
				t.Fatalf("the Engine sees %q for %q, and not %q", v, k, c.Query[k])
			}
		}
		if c.Kind != Create {
			return
		}
		var strictly, loosely createBody
		if strict(c.Body, &strictly) != nil {
			return
		}
		if err := json.NewDecoder(bufferOf(body)).Decode(&loosely); err != nil {
			t.Fatalf("the Engine refuses %q: %v", body, err)
		}
		a, _ := json.Marshal(strictly)
		b, _ := json.Marshal(loosely)
		if string(a) != string(b) {
			t.Fatalf("the Engine understands %s, and not %s", b, a)
		}
		// Nothing of it was folded: written out and read again it is all there.
		var top map[string]json.RawMessage
		if json.Unmarshal(c.Body, &top) == nil {
			for k := range top {
				if strings.EqualFold(k, "hostconfig") && k != "HostConfig" {
					t.Fatalf("the key %q passes", k)
				}
			}
		}
	})
}

func bufferOf(s string) *bufio.Reader { return bufio.NewReader(strings.NewReader(s)) }
