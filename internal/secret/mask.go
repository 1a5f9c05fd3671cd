package secret

import "strings"

// manyValues is from how many values on a mask reads a text once for all of them.
const manyValues = 16

// Mask takes known values out of a text, wherever they stand in it.
func Mask(text string, values []string) string { return Masker(values)(text) }

// Masker is [Mask] for many texts: what each costs does not grow with the number
// of values.
func Masker(values []string) func(text string) string {
	if len(values) < manyValues {
		return func(text string) string {
			for _, v := range values {
				text = strings.ReplaceAll(text, v, "****")
			}
			return text
		}
	}
	pairs := make([]string, 0, 2*len(values))
	for _, v := range values {
		if v != "" {
			pairs = append(pairs, v, "****")
		}
	}
	return strings.NewReplacer(pairs...).Replace
}
