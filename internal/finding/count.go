package finding

import (
	"fmt"
	"strconv"
	"strings"
)

// Count is a number of things as people say it: "1 layer", "2 layers", "3
// vulnerabilities". What is counted is given as one of it.
func Count(n int, what string) string {
	if n != 1 {
		what = pluralOf(what)
	}
	return strconv.Itoa(n) + " " + what
}

func pluralOf(what string) string {
	if s, ok := strings.CutSuffix(what, "y"); ok && s != "" && !strings.ContainsRune("aeiou", rune(s[len(s)-1])) {
		return s + "ies"
	}
	if strings.HasSuffix(what, "x") || strings.HasSuffix(what, "ss") {
		return what + "es"
	}
	return what + "s"
}

// Bytes is a size as people write it, in powers of 1000 as Docker does.
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f := float64(n)
	for _, u := range []string{"kB", "MB", "GB"} {
		if f /= 1000; f < 999.5 {
			return fmt.Sprintf("%.3g %s", f, u)
		}
	}
	return fmt.Sprintf("%.3g TB", f/1000)
}
