package image

// Tree is the merged file system of an image.
type Tree struct{}
