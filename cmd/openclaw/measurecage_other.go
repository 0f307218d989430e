//go:build !linux

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func measureCageCommand(*terminal) *cobra.Command {
	return &cobra.Command{
		Use: "cage", Short: "Measure the cage beside its peers", Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			return &failure{err: errors.New("the cage is measured on Linux only"), hint: "run it on a Linux machine", code: exitFailed}
		},
	}
}

func measureGatewayCommand(*terminal) *cobra.Command {
	return &cobra.Command{
		Use: "gateway", Short: "Measure the gateway beside its peers", Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			return &failure{err: errors.New("the gateway is measured on Linux only"), hint: "run it on a Linux machine", code: exitFailed}
		},
	}
}

func measureScreenCommand(*terminal) *cobra.Command {
	return &cobra.Command{
		Use: "screen", Short: "Measure the screen", Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			return &failure{err: errors.New("the screen is measured on Linux only"), hint: "run it on a Linux machine", code: exitFailed}
		},
	}
}

func measureLoopCommand(*terminal) *cobra.Command { return &cobra.Command{Use: "loop", Hidden: true} }
