package secret

import "strings"

// Mask takes known values out of a text, wherever they stand in it.
func Mask(text string, values []string) string {
	for _, v := range values {
		text = strings.ReplaceAll(text, v, "****")
	}
	return text
}
