package layer

// ComparePaths compares two paths of entries in the order of a record's entries
// and of everything made of them: '/' sorts before all else, so that a
// directory comes right before what is in it. The root is "." or "".
func ComparePaths(a, b string) int {
	if a == "." {
		a = ""
	}
	if b == "." {
		b = ""
	}
	n, i := min(len(a), len(b)), 0
	for i+16 <= n && a[i:i+16] == b[i:i+16] {
		i += 16 // neighbours have most of their paths in common
	}
	for ; i < n; i++ {
		if a[i] != b[i] {
			switch {
			case a[i] == '/':
				return -1
			case b[i] == '/':
				return 1
			case a[i] < b[i]:
				return -1
			}
			return 1
		}
	}
	return len(a) - len(b)
}
