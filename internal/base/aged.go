package base

import (
	"fmt"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// soon is how long before its end a release is worth a word.
const soon = 90 * 24 * time.Hour

// Aged says which releases of an inventory's distribution and programs get no
// security fixes any more at now, or will not within 90 days. A program that a
// distribution's package owns is the distribution's to fix and left out.
func Aged(inv *sbom.Inventory, now time.Time) []finding.Finding {
	if inv == nil {
		return nil
	}
	var found []finding.Finding
	if f, ok := DistroFinding(inv, now); ok {
		found = append(found, f)
	}
	seen := map[string]bool{}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		s, ok := programSupport(p)
		if !ok || seen[s.key()] {
			continue
		}
		f, ok := ended(endOfLifeProgram(), s, now)
		if !ok {
			continue
		}
		seen[s.key()] = true
		f.Subject = inv.Subject
		for _, l := range p.Locations {
			f.At = append(f.At, finding.Location{Layer: l.Layer, Path: l.Path})
		}
		if len(f.At) == 0 && p.Layer != "" {
			f.At = []finding.Location{{Layer: p.Layer}}
		}
		f.Evidence = append(f.Evidence, finding.Evidence{
			Kind: finding.EvidencePackage, Text: p.Name + " " + p.Version, Package: &finding.Installed{Name: p.Name, Version: p.Version, Removed: p.Removed},
		})
		found = append(found, f)
	}
	return found
}

// DistroFinding reports whether the inventory's distribution is out of support.
func DistroFinding(inv *sbom.Inventory, now time.Time) (finding.Finding, bool) {
	if inv.Distro == nil {
		return finding.Finding{}, false
	}
	s, ok := DistroSupport(*inv.Distro)
	if !ok {
		return finding.Finding{}, false
	}
	f, ok := ended(endOfLife(), s, now)
	f.Subject = inv.Subject
	switch inv.Subject.Kind {
	case finding.KindImage, finding.KindRootfs, finding.KindSBOM:
		f.At = []finding.Location{{Path: "/etc/os-release", Layer: releaseLayer(inv)}}
	}
	return f, ok
}

// releaseLayer is the layer that brought os-release, by the package that has it
// in each family of distributions; empty where that is not known.
func releaseLayer(inv *sbom.Inventory) finding.Digest {
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if p.Removed || !p.FromDistro() {
			continue
		}
		switch p.Name {
		case "base-files", "alpine-release", "alpine-baselayout-data", "wolfi-baselayout", "chainguard-baselayout",
			"fedora-release-common", "redhat-release", "centos-release", "centos-stream-release", "rocky-release", "almalinux-release",
			"oraclelinux-release", "system-release", "openSUSE-release", "Leap-release", "sles-release", "photon-release", "mageia-release-common":
			return p.Layer
		}
	}
	return ""
}

// ended makes a finding of a release that is over, or nearly.
func ended(r finding.Rule, s Support, now time.Time) (finding.Finding, bool) {
	message, severity, ok := s.Aging(now)
	if !ok {
		return finding.Finding{}, false
	}
	f := of(r, s.key(), message)
	f.Severity = severity
	f.Evidence = []finding.Evidence{{
		Kind: "end-of-life", Text: "endoflife.date as of " + Date().Format(time.DateOnly), URL: "https://endoflife.date/" + s.Product,
	}}
	if next := sameChannel(s.Product, s, supported(s.Product, now)); len(next) > 0 && next[0].Released.After(s.Released) {
		f.Fixes = []finding.Fix{{Title: fmt.Sprintf("Move to %s%s", next[0].Name(), until(next[0]))}}
	}
	return f, true
}

func until(s Support) string {
	if s.EOL.IsZero() {
		return ""
	}
	return ", supported until " + s.EOL.Format(time.DateOnly)
}

// releaseOf is a version as endoflife.date's cycles begin: Java 8 calls itself
// 1.8, Go its versions go1.21.
func releaseOf(product, version string) string {
	version = strings.TrimPrefix(version, "go")
	switch product {
	case "eclipse-temurin", "oracle-jdk", "amazon-corretto", "openjdk-builds-from-oracle", "azul-zulu":
		version = strings.TrimPrefix(version, "1.")
	}
	return version
}

// programs are endoflife.date's names of programs that images hold by other
// names: purl names of generic packages, and repositories of official images.
var programs = map[string]string{
	"node": "nodejs", "nodejs": "nodejs", "python": "python", "cpython": "python", "ruby": "ruby", "php": "php", "perl": "perl",
	"go": "go", "golang": "go", "rust": "rust", "java": "eclipse-temurin", "openjdk": "eclipse-temurin", "jdk": "eclipse-temurin",
	"jre": "eclipse-temurin", "eclipse-temurin": "eclipse-temurin", "temurin": "eclipse-temurin", "amazoncorretto": "amazon-corretto",
	"sapmachine": "sapmachine", "azul-zulu": "azul-zulu", "nginx": "nginx", "httpd": "apache-http-server", "haproxy": "haproxy",
	"traefik": "traefik", "caddy": "caddy", "envoy": "envoy", "redis": "redis", "valkey": "valkey", "memcached": "memcached",
	"postgres": "postgresql", "postgresql": "postgresql", "mysql": "mysql", "mariadb": "mariadb", "mongo": "mongodb", "mongodb": "mongodb",
	"couchdb": "apache-couchdb", "cassandra": "apache-cassandra", "elasticsearch": "elasticsearch", "kibana": "kibana", "logstash": "logstash",
	"solr": "solr", "zookeeper": "zookeeper", "rabbitmq": "rabbitmq", "erlang": "erlang", "elixir": "elixir", "tomcat": "tomcat",
	"jetty": "eclipse-jetty", "influxdb": "influxdb", "telegraf": "telegraf", "neo4j": "neo4j", "consul": "consul", "vault": "hashicorp-vault",
	"etcd": "etcd", "wordpress": "wordpress", "drupal": "drupal", "joomla": "joomla", "nextcloud": "nextcloud", "mediawiki": "mediawiki",
	"redmine": "redmine", "matomo": "matomo", "kong": "kong-gateway", "jruby": "jruby", "julia": "julia", "gradle": "gradle",
	"maven": "apache-maven", "composer": "composer", "openssl": "openssl", "yarn": "yarn", "pnpm": "pnpm", "deno": "deno", "bun": "bun",
	"grafana": "grafana", "prometheus": "prometheus", "jenkins": "jenkins", "keycloak": "keycloak", "sonarqube": "sonarqube-server",
	"clickhouse": "clickhouse", "arangodb": "arangodb", "flink": "apache-flink", "spark": "apache-spark",
	"dotnet": "dotnet",
}
