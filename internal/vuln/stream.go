package vuln

import "strings"

// Stream is the line of builds that an ecosystem of OSV speaks of. Red Hat and
// SUSE name an ecosystem for each product and repository ("Red
// Hat:enterprise_linux:9::appstream", "SUSE:Linux Enterprise Module for
// Basesystem 15 SP5"): those that one build of a package is made for are one. Of
// the others it is the ecosystem itself.
func Stream(ecosystem string) string {
	base, rest, ok := strings.Cut(ecosystem, ":")
	if !ok {
		return ecosystem
	}
	switch base {
	case "Red Hat":
		return base + ":" + redHatStream(rest)
	case "SUSE":
		return base + ":" + suseStream(rest)
	case "openSUSE":
		return base + ":" + strings.TrimSuffix(rest, " NonFree")
	case "Azure Linux":
		return base + ":" + strings.TrimSuffix(rest, ".0")
	}
	return ecosystem
}

// redHatStream is a product stream without the repository of it. From Red Hat
// Enterprise Linux 10 on, its own stream names the minor release too.
func redHatStream(cpe string) string {
	product, rest, _ := strings.Cut(cpe, ":")
	version, _, _ := strings.Cut(rest, ":")
	major, _, _ := strings.Cut(version, ".")
	switch product {
	case "enterprise_linux", "rhel_extras", "rhel_extras_other", "rhel_extras_rt", "rhel_extras_sap", "rhel_extras_sap_hana", "rhel_extras_oracle_java":
		return "enterprise_linux:" + major
	case "enterprise_linux_eus":
		return "rhel_eus:" + version
	case "rhel_els":
		return product + ":" + major
	case "rhel_software_collections", "rhel_dotnet":
		// Their packages have the collection in their names: of a release they are one.
		if on := strings.LastIndex(rest, "::el"); on >= 0 {
			return product + ":" + rest[on+len("::el"):]
		}
	case "rhel_eus", "rhel_aus", "rhel_tus", "rhel_e4s", "rhel_eus_long_life":
		return product + ":" + version
	}
	return cpe
}

// contentStream is the product stream of one of Red Hat's repositories, by the
// name of its content set: "rhel_eus:9.2" of
// "rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_2". ok is false where the name does
// not tell.
func contentStream(set string) (stream string, ok bool) {
	name, minor := set, ""
	for i, part := range strings.Split(set, "__") {
		if i == 0 {
			name = part
		} else if strings.Contains(part, "_DOT_") {
			minor = strings.ReplaceAll(part, "_DOT_", ".")
		}
	}
	for _, end := range []string{"-rpms", "-source", "-debug", "-source-rpms", "-debug-rpms", "-beta"} {
		name = strings.TrimSuffix(name, end)
	}
	head, rest, _ := strings.Cut(name, "-")
	if _, on, ok := strings.Cut(rest, "rhscl-"); ok && head == "rhel" && digits(on) > 0 {
		return "rhel_software_collections:" + on[:digits(on)], true
	}
	switch head {
	case "ubi", "rhel":
		major := rest[:digits(rest)]
		if major == "" {
			return "", false
		}
		for _, kind := range []string{"eus", "aus", "tus", "e4s"} {
			if strings.HasSuffix(name, "-"+kind) && minor != "" {
				return "rhel_" + kind + ":" + minor, true
			}
		}
		if strings.HasSuffix(name, "-els") {
			return "rhel_els:" + major, true
		}
		return "enterprise_linux:" + major, true
	}
	return layeredStream(name)
}

// layeredStream is the stream of a product on top of the release:
// "openshift:4.14::el9" of "rhocp-4.14-for-rhel-9-x86_64".
func layeredStream(name string) (string, bool) {
	product, on, ok := strings.Cut(name, "-for-rhel-")
	release := on[:digits(on)]
	if !ok || release == "" {
		return "", false
	}
	if product == "codeready-builder" || product == "fast-datapath" {
		return "enterprise_linux:" + release, true
	}
	i := strings.LastIndexByte(product, '-')
	if i < 1 || i+1 == len(product) || !isDigit(product[i+1]) {
		return "", false
	}
	name, version := strings.ReplaceAll(product[:i], "-", "_"), product[i+1:]
	switch name {
	case "rhocp":
		name = "openshift"
	case "jb_eap":
		name = "jboss_enterprise_application_platform"
	}
	return name + ":" + version + "::el" + release, true
}

// suseStream is "Linux Enterprise 15 SP5" of whatever of SUSE's products,
// modules and terms of support is for that release. Products with builds of their
// own (Micro, Storage, Manager) stay what they are.
func suseStream(product string) string {
	rest, ok := strings.CutPrefix(product, "Linux Enterprise ")
	if !ok {
		rest, ok = strings.CutPrefix(product, "Package Hub ")
	}
	if micro, ok := strings.CutPrefix(rest, "Micro for Rancher "); ok && digits(micro) > 0 {
		return "Linux Enterprise Micro " + micro
	}
	if !ok || strings.HasPrefix(rest, "Micro ") || strings.HasPrefix(rest, "Storage ") || strings.Contains(rest, "Manager") {
		return product
	}
	words := strings.Fields(rest)
	for i := len(words) - 1; i >= 0; i-- {
		if !isDigit(words[i][0]) {
			continue
		}
		version, _, _ := strings.Cut(words[i], "-")
		if major := version[:digits(version)]; len(major) != 2 || major < "10" {
			return product
		}
		if i+1 < len(words) && strings.HasPrefix(words[i+1], "SP") {
			pack, _, _ := strings.Cut(words[i+1], "-")
			version += " " + pack
		}
		return "Linux Enterprise " + version
	}
	return product
}
