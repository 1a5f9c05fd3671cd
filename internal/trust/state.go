package trust

import (
	"encoding/json"
	"time"
)

// Newer reports whether a state holds a newer root than another, or with the same
// root a newer timestamp. It does not look at signatures: both are trusted.
func (s State) Newer(than State) bool {
	a, b := versionIn(s[Root]), versionIn(than[Root])
	if a != b {
		return a > b
	}
	return versionIn(s[Timestamp]) > versionIn(than[Timestamp])
}

func versionIn(doc []byte) int64 {
	var d struct {
		Signed struct {
			Version int64 `json:"version"`
		} `json:"signed"`
	}
	if json.Unmarshal(doc, &d) != nil {
		return 0
	}
	return d.Signed.Version
}

// ExpiresIn is the date that a document bears; zero: it has none. It does not look at
// signatures.
func ExpiresIn(doc []byte) time.Time {
	var d struct {
		Signed struct {
			Expires time.Time `json:"expires"`
		} `json:"signed"`
	}
	if json.Unmarshal(doc, &d) != nil {
		return time.Time{}
	}
	return d.Signed.Expires
}
