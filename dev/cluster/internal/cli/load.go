package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

func newLoad() *cobra.Command {
	return &cobra.Command{Use: "load ARCHIVE", RunE: func(*cobra.Command, []string) error { return errors.New("not yet") }}
}
