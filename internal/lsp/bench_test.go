package lsp_test

import (
	"fmt"
	"strings"
	"testing"
)

// thousand is a Dockerfile of 1,000 lines.
func thousand() string {
	var b strings.Builder
	b.WriteString("FROM node:24 AS build\n")
	for i := range 333 {
		fmt.Fprintf(&b, "RUN apt-get update && apt-get install -y pkg%d\nCOPY src%d /app/%d/\nENV V%d=1\n", i, i, i, i)
	}
	return b.String()
}

// BenchmarkKey is a key in a file of 1,000 lines, until what is found in it is there.
// The pause that the server makes after a key is not counted.
func BenchmarkKey(b *testing.B) {
	c := start(b, nil)
	c.open("Dockerfile", "dockerfile", thousand())
	words := []string{"V0=1", "V0=2"}
	for i := 0; b.Loop(); i++ {
		c.replace("Dockerfile", words[i%2], words[(i+1)%2])
	}
}
