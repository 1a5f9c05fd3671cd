package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// elsewhere are products that no container holds: devices, desktops, clouds.
const elsewhere = ` android apple-watch tvos big-ip cisco-ios-xe citrix-vad fairphone filemaker fortios freebsd google-nexus ibm-aix
 ibm-db2 ibm-i intel-processors internet-explorer ios ipad ipados iphone kindle lineageos macos motorola-mobility msexchange netapp-ontap
 netbackup-appliance-os netbsd nokia nutanix-aos nutanix-files nutanix-prism nvidia nvidia-gpu office oneplus openbsd oracle-solaris panos
 pangp cortex-xdr pci-dss pixel pixel-watch proxmox-ve proxmox-backup-server proxmox-datacenter-manager proxmox-mail-gateway
 samsung-galaxy-tab samsung-galaxy-watch samsung-mobile sharepoint sns-firmware sns-hardware sns-smc sony-xperia surface visionos vcenter
 vmware-srm esxi veeam-one watchos windows windows-server windows-embedded xcp-ng zerto looker horizon `

// endOfLife makes columns, since like compresses best beside like: products
// and cycles, code names, release dates, the ends of active, of security and
// of extended support, LTS, latest versions. Columns are separated by a zero
// byte, lines by a line feed; a line "=product" begins a product.
func endOfLife(name string) ([]byte, error) {
	b, err := readXZ(name)
	if err != nil {
		return nil, err
	}
	var in struct {
		Date     string
		Products map[string]struct {
			Title    string
			Releases []struct {
				ReleaseCycle, Codename, ReleaseDate, Latest string
				EOL, EOAS, EOES, LTS                        any
			}
		}
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, err
	}
	columns := make([][]string, 8)
	columns[0] = []string{"@" + in.Date}
	for _, product := range slices.Sorted(maps.Keys(in.Products)) {
		if strings.Contains(elsewhere, " "+product+" ") {
			continue
		}
		p := in.Products[product]
		columns[0] = append(columns[0], "="+product+"="+p.Title)
		for _, r := range p.Releases {
			for i, v := range []string{r.ReleaseCycle, r.Codename, day(r.ReleaseDate), day(r.EOAS), day(r.EOL), day(r.EOES), strings.TrimSuffix(day(r.LTS), "n"), tail(r.Latest, r.ReleaseCycle)} {
				columns[i] = append(columns[i], v)
			}
		}
	}
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = strings.Join(c, "\n")
	}
	return []byte(strings.Join(parts, "\x00")), nil
}

// day is a date as six digits, y and n for a plain yes and no.
func day(v any) string {
	switch v := v.(type) {
	case string:
		if len(v) == len("2006-01-02") {
			return strings.ReplaceAll(v[2:], "-", "")
		}
	case bool:
		if v {
			return "y"
		}
		return "n"
	}
	return ""
}

// tail is a version without the cycle that it begins with.
func tail(latest, cycle string) string {
	if rest, ok := strings.CutPrefix(latest, cycle); ok && latest != "" {
		return "~" + rest
	}
	return latest
}
