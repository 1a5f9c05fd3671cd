package report

import (
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/secret"
)

// DocImage is what an image's layers hold and waste. Sizes are in bytes.
type DocImage struct {
	Subject    int     `json:"subject"`
	Platform   string  `json:"platform,omitempty"`
	Base       string  `json:"base,omitempty"`
	BaseLayers int     `json:"baseLayers,omitempty"`
	Efficiency float64 `json:"efficiency"`
	Wasted     int64   `json:"wasted"` // by dive's count: every copy of what is there twice

	Reclaimable int64      `json:"reclaimable"` // all copies but the last, and what was removed
	Size        int64      `json:"size"`
	Layers      []DocLayer `json:"layers"`
	Waste       []DocWaste `json:"waste"`
}

// DocLayer is one layer, bottom first. Size is of its files, stored of its blob.
type DocLayer struct {
	DiffID    finding.Digest `json:"diffID"`
	Digest    finding.Digest `json:"digest,omitempty"`
	CreatedBy string         `json:"createdBy,omitempty"`
	Created   string         `json:"created,omitempty"`
	Size      int64          `json:"size"`
	Stored    int64          `json:"stored"`
	Added     int            `json:"added"`
	Changed   int            `json:"changed"`
	Removed   int            `json:"removed"`
	Wasted    int64          `json:"wasted"`
	Source    *DocSpan       `json:"source,omitempty"`
	Largest   []DocFile      `json:"largest"`
}

// DocFile is a file of a layer.
type DocFile struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	Wasted bool   `json:"wasted,omitempty"`
}

// DocWaste is a path that several layers have: all copies' bytes.
type DocWaste struct {
	Path  string `json:"path"`
	Count int    `json:"count"`
	Bytes int64  `json:"bytes"`
}

// maxWaste is how many wasteful paths the JSON lists, the worst first.
const maxWaste = 1000

func docImage(t check.Target, subject int) DocImage {
	st := t.Scan.Stats()
	d := DocImage{
		Subject: subject, Platform: t.Scan.Image.Platform, Efficiency: st.Efficiency, Wasted: st.WastedBytes,
		Reclaimable: st.Reclaimable, Size: st.Bytes, Layers: []DocLayer{}, Waste: []DocWaste{},
	}
	if t.Base != nil {
		d.Base, d.BaseLayers = t.Base.Ref, t.Base.Layers
	}
	for i := range t.Scan.Records {
		d.Layers = append(d.Layers, docLayer(t, st, i))
	}
	for _, w := range st.Inefficient[:min(len(st.Inefficient), maxWaste)] {
		d.Waste = append(d.Waste, DocWaste{Path: secret.Redact("/" + w.Path), Count: w.Count, Bytes: w.Bytes})
	}
	return d
}

func docLayer(t check.Target, st image.Stats, i int) DocLayer {
	rec, ls, step := t.Scan.Records[i], st.Layers[i], layerStep(t.Scan.Image, i)
	d := DocLayer{
		DiffID: rec.DiffID, Digest: rec.Blob, Size: ls.Bytes, Stored: rec.Compressed,
		Added: ls.Added, Changed: ls.Changed, Removed: ls.Removed, Wasted: ls.Wasted, Largest: []DocFile{},
	}
	if step.CreatedBy != "" {
		d.CreatedBy = Instruction(step.CreatedBy)
	}
	if !step.Created.IsZero() {
		d.Created = step.Created.UTC().Format(time.RFC3339)
	}
	if s := t.Spans[rec.DiffID]; s != nil {
		d.Source = &DocSpan{File: s.File, Line: s.Line, Column: s.Column, Start: s.Start, End: s.End}
	}
	for _, c := range ls.Largest {
		d.Largest = append(d.Largest, DocFile{Path: secret.Redact("/" + c.Path), Size: c.Size(), Wasted: c.Wasted})
	}
	return d
}
