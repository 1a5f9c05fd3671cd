package api

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// table is a list as CSV.
type table[T any] struct {
	name    string
	columns []string
	row     func(*T) []any
}

func (t table[T]) write(w http.ResponseWriter, items []T) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", t.name+".csv"))
	out := csv.NewWriter(w)
	_ = out.Write(t.columns)
	for i := range items {
		var cells []string
		for _, v := range t.row(&items[i]) {
			cells = append(cells, cell(v))
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return nil // whoever asked may have gone
}

// cell is a value as a spreadsheet may have it: text that begins like a formula is
// marked as text.
func cell(v any) string {
	switch v := v.(type) {
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(time.RFC3339)
	}
	s := strings.ToValidUTF8(fmt.Sprint(v), "?")
	if s != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(s[0])) {
		return "'" + s
	}
	return s
}

func imageTable() table[index.ImageRow] {
	return table[index.ImageRow]{"images", []string{
		"ref", "digest", "id", "environment", "platform", "base", "distribution", "packages", "critical", "high", "medium", "low", "negligible", "unspecified",
		"fixable critical", "fixable high", "known exploited", "unknown", "running", "grade", "added",
	}, func(r *index.ImageRow) []any {
		c := r.Counts
		return []any{
			r.Ref, r.Digest, r.ID, r.Env, r.Platform, r.Base, r.Distro, r.Packages, c.Critical, c.High, c.Medium, c.Low, c.Negligible, c.Unspecified,
			r.Fixable.Critical, r.Fixable.High, r.KEV, r.Unknown, r.Running, r.Grade, r.Added,
		}
	}}
}

func findingTable() table[Finding] {
	return table[Finding]{"findings", []string{
		"id", "severity", "package", "version", "fixed in", "no fix", "cvss", "epss", "known exploited", "layer", "path", "opened", "suppressed", "exception", "title",
	}, func(f *Finding) []any {
		return []any{f.ID, f.Severity, f.Package, f.Version, f.FixedIn, f.NoFix, f.CVSS, f.EPSS, f.KEV, f.Layer, f.Path, f.Opened, f.Suppressed, f.Exception, f.Title}
	}}
}

func vulnTable() table[index.VulnRow] {
	return table[index.VulnRow]{"vulnerabilities", []string{"id", "severity", "cvss", "epss", "known exploited", "fixable", "images", "running", "packages", "first seen", "title"}, func(r *index.VulnRow) []any {
		return []any{r.ID, r.Severity.String(), r.CVSS, r.EPSS, r.KEV, r.Fixable, r.Images, r.Running, strings.Join(r.Packages, " "), r.First, r.Title}
	}}
}

func packageTable() table[index.PackageRow] {
	return table[index.PackageRow]{"packages", []string{"type", "name", "versions", "licences", "images", "critical", "high", "medium", "low"}, func(r *index.PackageRow) []any {
		return []any{r.Type, r.Name, strings.Join(r.Versions, " "), strings.Join(r.Licenses, " "), r.Images, r.Counts.Critical, r.Counts.High, r.Counts.Medium, r.Counts.Low}
	}}
}

func baseTable() table[index.BaseRow] {
	return table[index.BaseRow]{"bases", []string{"base", "distribution", "images", "running", "supported until"}, func(r *index.BaseRow) []any {
		return []any{r.Base, r.Distro, r.Images, r.Running, r.Supported}
	}}
}

func runningTable() table[index.RunningRow] {
	return table[index.RunningRow]{"running", []string{"id", "name", "host", "environment", "image", "digest", "since", "known", "critical", "high"}, func(r *index.RunningRow) []any {
		var c index.Counts
		if r.Image != nil {
			c = r.Image.Counts
		}
		return []any{r.ID, r.Name, r.Host, r.Env, r.Ref, r.Digest, r.Since, r.Image != nil, c.Critical, c.High}
	}}
}

func policyTable() table[index.PolicyRow] {
	return table[index.PolicyRow]{"policies", []string{"id", "title", "weight", "complies", "violates", "unknown", "of"}, func(r *index.PolicyRow) []any {
		return []any{r.ID, r.Title, r.Weight, r.Complies, r.Violates, r.Unknown, r.Of}
	}}
}

func dayTable() table[store.Day] {
	return table[store.Day]{"history", []string{
		"day", "environment", "images", "running", "critical", "high", "medium", "low", "negligible", "unspecified", "fixable critical", "policies",
	}, func(d *store.Day) []any {
		var kept []string
		for _, p := range d.Policies {
			kept = append(kept, fmt.Sprintf("%s %d/%d", p.ID, p.Complies, p.Complies+p.Violates+p.Unknown))
		}
		return []any{
			d.Day, d.Env, d.Images, d.Running, d.Critical, d.High, d.Medium, d.Low, d.Negligible, d.Unspecified, d.Fixable, strings.Join(kept, "; "),
		}
	}}
}

func exceptionTable() table[index.ExceptionRow] {
	return table[index.ExceptionRow]{"exceptions", []string{"id", "vulnerability", "package", "image", "state", "reason", "by", "until", "active", "images"}, func(r *index.ExceptionRow) []any {
		return []any{r.ID, r.Vuln, r.Package, r.Image, r.State, r.Reason, r.By, r.Until, r.Active, r.Images}
	}}
}

func feedTable() table[Feed] {
	return table[Feed]{"feeds", []string{"name", "newest", "fetched", "records", "licence", "problem"}, func(r *Feed) []any {
		return []any{r.Name, r.Newest, r.Fetched, r.Records, r.License, r.Problem}
	}}
}
