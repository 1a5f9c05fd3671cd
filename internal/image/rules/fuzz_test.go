package rules

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/secret"
)

// Whatever a file holds, a reader's fact is well formed, small, and without
// the secrets that it is about.
func FuzzReaders(f *testing.F) {
	f.Add("etc/passwd", passwd)
	f.Add("etc/shadow", "root::19000::\nme:$6$abc$def:1::\n#x:y:z\n::\n")
	f.Add("app/.env", "DB_PASSWORD=tr0ub4dor\nX=1\n")
	f.Add("root/.netrc", "machine h login me password tr0ub4dor\tx\n")
	f.Add("app/settings.ini", "url = https://me:tr0ub4dor@h/\x00")
	f.Add("x/a.jks", "\xfe\xed\xfe\xed")
	f.Fuzz(func(t *testing.T, path, content string) {
		for _, r := range Analyzers() {
			if !r.Wants(path, 0o644, int64(len(content))) {
				continue
			}
			data, err := r.Read(context.Background(), layer.Input{Path: path, Mode: 0o644, Size: int64(len(content)), Body: bytes.NewReader([]byte(content))})
			if err != nil && data != nil && r.Name == secretsName {
				t.Errorf("%s: data with %v", r.Name, err)
			}
			lines := strings.Count(string(data), "\n")
			switch r.Name {
			case secretsName:
				if got := parseFound(data); len(got) != lines || lines > maxPerFile {
					t.Errorf("%q gives %d of %d facts", data, len(got), lines)
				}
				for _, m := range secret.Find([]byte(content)) {
					if v := content[m.Start:m.End]; len(v) > 12 && strings.Contains(string(data), v) {
						t.Errorf("fact %q holds %q", data, v)
					}
				}
			case accountsName:
				if len(data) > 2*len(content)+10 {
					t.Errorf("%d bytes of fact from %d", len(data), len(content))
				}
			}
		}
	})
}
