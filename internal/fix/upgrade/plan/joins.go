package plan

// Joins says which wants belong together: a union-find over their indices.
type Joins []int

// Leader is the one by which a want's group is known: the least of it.
func (j Joins) Leader(i int) int {
	for j[i] != i {
		j[i] = j[j[i]]
		i = j[i]
	}
	return i
}

// Union joins the groups of a and b.
func (j Joins) Union(a, b int) {
	a, b = j.Leader(a), j.Leader(b)
	j[max(a, b)] = min(a, b)
}
