package catalog

import (
	stdbinary "encoding/binary"
	"fmt"
)

// sqliteFile reads tables of an SQLite database (sqlite.org/fileformat2.html)
// row by row; indexes, free pages and the journal are not looked at.
type sqliteFile struct {
	*rpmFile
	page   int64 // bytes of a page
	usable int64 // bytes of a page less its reserved end
}

// sqlite reads the table Packages, whose rows are a number and a header.
func (f *rpmFile) sqlite(do func([]byte) error) error {
	db, err := openSQLite(f)
	if err != nil {
		return err
	}
	return db.each("Packages", func(v []column) error {
		if len(v) < 2 {
			return fmt.Errorf("%w: a row of %d columns", errRPMDB, len(v))
		}
		return do(v[1].data)
	})
}

// openSQLite begins to read a database.
func openSQLite(f *rpmFile) (*sqliteFile, error) {
	head, err := f.at(0, 100)
	if err != nil {
		return nil, err
	}
	db := &sqliteFile{rpmFile: f, page: int64(stdbinary.BigEndian.Uint16(head[16:]))}
	if db.page == 1 {
		db.page = 64 << 10
	}
	db.usable = db.page - int64(head[20])
	if string(head[:16]) != sqliteMagic || db.page < 512 || db.page&(db.page-1) != 0 || db.usable < 480 {
		return nil, fmt.Errorf("%w: pages of %d bytes", errRPMDB, db.page)
	}
	return db, nil
}

const sqliteMagic = "SQLite format 3\x00"

// rows is [sqliteFile.each] for a function that does not fail.
func (f *sqliteFile) rows(name string, do func([]column)) error {
	return f.each(name, func(v []column) error { do(v); return nil })
}

// each calls do with each row of a table.
func (f *sqliteFile) each(name string, do func([]column) error) error {
	var root int64
	err := f.table(1, 0, func(row []byte) error {
		v, err := record(row)
		if err == nil && len(v) >= 4 && string(v[0].data) == "table" && string(v[1].data) == name {
			root = v[3].integer()
		}
		return err
	})
	if err != nil {
		return err
	}
	if root <= 1 {
		return fmt.Errorf("%w: it has no table %s", errRPMDB, name)
	}
	return f.table(root, 0, func(row []byte) error {
		v, err := record(row)
		if err != nil {
			return err
		}
		return do(v)
	})
}

// table calls do with the payload of every row of the table whose tree (1.6,
// "B-tree Pages") has its root at page no.
func (f *sqliteFile) table(no int64, depth int, do func([]byte) error) error {
	const maxDepth = 24
	if no < 1 || depth > maxDepth {
		return fmt.Errorf("%w: its tree has no bottom", errRPMDB)
	}
	be := stdbinary.BigEndian
	page, err := f.at((no-1)*f.page, f.page)
	if err != nil {
		return err
	}
	h := int64(0) // of the page's header
	if no == 1 {
		h = 100
	}
	kind, cells, list := page[h], int64(be.Uint16(page[h+3:])), h+8
	if kind == 5 {
		list = h + 12
	}
	if list+2*cells > f.page || kind != 5 && kind != 13 {
		return fmt.Errorf("%w: page %d is not of a table", errRPMDB, no)
	}
	for i := range cells {
		at := int64(be.Uint16(page[list+2*i:]))
		if at+4 > f.usable {
			return fmt.Errorf("%w: row %d of page %d", errRPMDB, i, no)
		}
		if kind == 5 {
			if err := f.table(int64(be.Uint32(page[at:])), depth+1, do); err != nil {
				return err
			}
			continue
		}
		row, err := f.payload(page[at:f.usable])
		if err != nil {
			return err
		}
		if err := do(row); err != nil {
			return err
		}
	}
	if kind == 5 {
		return f.table(int64(be.Uint32(page[h+8:])), depth+1, do)
	}
	return nil
}

// payload reads a leaf's cell: the payload's length, the row's number and as
// much of the payload as is local, the rest on a chain of overflow pages.
func (f *sqliteFile) payload(cell []byte) ([]byte, error) {
	n, w := sqliteVarint(cell)
	_, w2 := sqliteVarint(cell[w:])
	if w == 0 || w2 == 0 || n > maxRPMHeader || int64(n) > f.size {
		return nil, fmt.Errorf("%w: a row of %d bytes", errRPMDB, n)
	}
	cell = cell[w+w2:]
	size, u := int64(n), f.usable
	local := size
	if most := u - 35; size > most {
		least := (u-12)*32/255 - 23
		if local = least + (size-least)%(u-4); local > most {
			local = least
		}
	}
	if int64(len(cell)) < local || local < size && int64(len(cell)) < local+4 {
		return nil, fmt.Errorf("%w: a row runs over its page", errRPMDB)
	}
	if local == size {
		return cell[:local], nil
	}
	out := append(make([]byte, 0, size), cell[:local]...)
	next := int64(stdbinary.BigEndian.Uint32(cell[local:]))
	page := make([]byte, u)
	for int64(len(out)) < size {
		if next < 1 {
			return nil, fmt.Errorf("%w: a row ends after %d of %d bytes", errRPMDB, len(out), size)
		}
		if err := f.into(page, (next-1)*f.page); err != nil {
			return nil, err
		}
		next = int64(stdbinary.BigEndian.Uint32(page))
		out = append(out, page[4:min(u, 4+size-int64(len(out)))]...)
	}
	return out, nil
}

// column is one value of a row.
type column struct {
	serial uint64
	data   []byte
}

func (c column) integer() (v int64) {
	switch c.serial {
	case 1, 2, 3, 4, 5, 6:
		for i, b := range c.data {
			if v = v<<8 | int64(b); i == 0 {
				v = int64(int8(b))
			}
		}
	case 9:
		return 1
	}
	return v
}

// record takes a row's payload apart (2.1, "Record Format").
func record(b []byte) ([]column, error) {
	bad := fmt.Errorf("%w: a row that is none", errRPMDB)
	n, w := sqliteVarint(b)
	if w == 0 || n > uint64(len(b)) || n < uint64(w) {
		return nil, bad
	}
	head, body := b[w:n], b[n:]
	var out []column
	for len(head) > 0 && len(out) < 16 {
		serial, w := sqliteVarint(head)
		if w == 0 {
			return nil, bad
		}
		head = head[w:]
		var size uint64
		switch {
		case serial >= 12:
			size = (serial - 12) / 2
		case serial <= 4:
			size = serial
		case serial == 5:
			size = 6
		case serial == 6, serial == 7:
			size = 8
		}
		if size > uint64(len(body)) {
			return nil, bad
		}
		out = append(out, column{serial, body[:size]})
		body = body[size:]
	}
	return out, nil
}

// sqliteVarint reads a big-endian number of one to nine bytes and returns how
// many it took, 0 if b ends within it.
func sqliteVarint(b []byte) (v uint64, n int) {
	for n < len(b) && n < 8 {
		c := b[n]
		n++
		v = v<<7 | uint64(c&0x7f)
		if c < 0x80 {
			return v, n
		}
	}
	if n == 8 && len(b) > 8 {
		return v<<8 | uint64(b[8]), 9
	}
	return 0, 0
}
