// Package db keeps advisories in one file that is looked up without being read.
package db
