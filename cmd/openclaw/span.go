package main

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

var errProviderNotAllowed = errors.New("the agent's config names another provider")

// parseSpan reads a length of time: what Go reads, and days ("7d").
func parseSpan(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	span, err := time.ParseDuration(text)
	if err != nil || span < 0 {
		return 0, usage("write it like 30m, 1h or 7d", "%q is not a length of time", text)
	}
	return span, nil
}
