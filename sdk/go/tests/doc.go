// Package tests holds what the client is tried with against a running `countersign dev`, which
// COUNTERSIGN_READY_FILE names. It is a module of its own, so that the client needs none.
package tests
