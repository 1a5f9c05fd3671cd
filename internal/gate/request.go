package gate

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// Request is what the Engine asks its authorization plugin.
type Request struct {
	User            string            `json:"User,omitempty"`
	UserAuthNMethod string            `json:"UserAuthNMethod,omitempty"`
	Method          string            `json:"RequestMethod,omitempty"`
	URI             string            `json:"RequestUri,omitempty"`
	Body            []byte            `json:"RequestBody,omitempty"`
	Headers         map[string]string `json:"RequestHeaders,omitempty"`
}

// Response is the plugin's answer.
type Response struct {
	Allow bool   `json:"Allow"`
	Msg   string `json:"Msg,omitempty"`
	Err   string `json:"Err,omitempty"`
}

// Call is a request that was understood.
type Call struct {
	*Request
	Kind  Kind
	Name  string // of the path: a container, image, volume; empty: it has none
	Query url.Values
}

// The versions of the API that are known: older ones take a container's configuration
// at start, and what newer ones take is not known yet.
const (
	oldestAPI = 24
	newestAPI = 56
)

// ambiguousError is a request that the Engine may understand otherwise.
type ambiguousError struct{ why string }

func (e *ambiguousError) Error() string   { return e.why }
func (e *ambiguousError) Refused() string { return "request" }

func ambiguous(format string, args ...any) error {
	return &ambiguousError{fmt.Sprintf(format, args...)}
}

// Parse understands a request as the Engine does. What two readers could understand
// differently is an error, and so is what is not known.
func Parse(r *Request) (*Call, error) {
	path, query, _ := strings.Cut(r.URI, "?")
	if !cleanPath.MatchString(path) || slices.ContainsFunc(strings.Split(path, "/")[1:], func(s string) bool { return s == "" || s == "." || s == ".." }) {
		return nil, ambiguous("the path %q is not plain: nothing in it may be escaped, empty or relative", clip(path))
	}
	rest := path
	if m := versioned.FindStringSubmatch(path); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil || n < oldestAPI || n > newestAPI {
			return nil, ambiguous("version %s of the API is not known here (1.%d to 1.%d are)", "1."+m[1], oldestAPI, newestAPI)
		}
		rest = m[2]
	}
	c := &Call{Request: r}
	for _, e := range calls {
		if e.method != r.Method {
			continue
		}
		if name, ok := e.match(rest); ok {
			c.Kind, c.Name = e.kind, name
			break
		}
	}
	if c.Kind == "" {
		return nil, ambiguous("%s %s is not a call that is known here", clip(r.Method), clip(rest))
	}
	q, err := url.ParseQuery(query)
	if err != nil || strings.Contains(query, "#") {
		return nil, ambiguous("the query %q is not plain", clip(query))
	}
	for k, v := range q {
		if len(v) > 1 && !slices.Contains([]string{"t", "names", "name", "platform"}, k) {
			return nil, ambiguous("the query has %q twice", clip(k))
		}
	}
	c.Query = q
	return c, c.body()
}

var (
	cleanPath = lazyregexp.New(`^/[A-Za-z0-9._:@/+~-]*$`)
	versioned = lazyregexp.New(`^/v1\.([0-9]{1,3})(/.*)$`)
	plainName = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)
	calls     = endpoints()
)

// one is the value of a query's key that is there once at most.
func (c *Call) one(key string) (string, error) {
	if len(c.Query[key]) > 1 {
		return "", ambiguous("the query has %q twice", key)
	}
	return c.Query.Get(key), nil
}

// body holds the body to what its kind takes. The Engine reads a form in a body over the
// query, hands on only JSON, and older ones hide a body that is large.
func (c *Call) body() error {
	takes := c.Kind.body()
	length, said := c.header("Content-Length")
	kind, typed := c.header("Content-Type")
	kind, _, _ = strings.Cut(kind, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	switch {
	case takes == anyBody && typed && strings.Contains(kind, "form"):
		return ambiguous("a form in the body would change the query")
	case takes == anyBody:
		return nil
	case takes == noBody && len(c.Body) > 0 && !blank(c.Body):
		return ambiguous("it has a body, and none is due")
	case takes == noBody && length != "0" && (typed && len(c.Body) == 0 || said):
		return ambiguous("it may have a body that the Engine does not show, and none is due")
	case takes == jsonBody && len(c.Body) == 0:
		return ambiguous("its body is missing: the Engine shows none that is not application/json, or too large")
	case takes == jsonBody && kind != "application/json":
		return ambiguous("its body is %q, and not application/json", clip(kind))
	case takes == maybeJSON && len(c.Body) == 0 && length != "0" && (said || typed):
		return ambiguous("it may have a body that the Engine does not show")
	case takes == maybeJSON && len(c.Body) > 0 && kind != "application/json":
		return ambiguous("its body is %q, and not application/json", clip(kind))
	}
	return nil
}

// header is a header's value, whatever its case. The Engine shows the last of several,
// and reads the first.
func (c *Call) header(name string) (string, bool) {
	for k, v := range c.Headers {
		if strings.EqualFold(k, name) {
			return v, true
		}
	}
	return "", false
}

// blank reports what some clients send for no body: an empty object, or null.
func blank(b []byte) bool {
	s := strings.TrimSpace(string(b))
	return s == "" || s == "{}" || s == "null"
}

func clip(s string) string {
	if len(s) > 120 {
		return s[:120] + "…"
	}
	return s
}
