// Package gateway composes the gateway: listeners, middleware order,
// supervision and shutdown.
package gateway
