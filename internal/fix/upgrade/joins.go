package upgrade

// joins says which wants belong together: a union-find over their indices.
type joins []int

// leader is the one by which a want's group is known: the least of it.
func (j joins) leader(i int) int {
	for j[i] != i {
		j[i] = j[j[i]]
		i = j[i]
	}
	return i
}

func (j joins) union(a, b int) {
	a, b = j.leader(a), j.leader(b)
	j[max(a, b)] = min(a, b)
}
