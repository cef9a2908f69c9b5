package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"maquette.dev/dev/cluster/internal/images"
	"maquette.dev/dev/cluster/internal/node"
)

const aboutLoad = `Puts the images of an archive into the node, under the names that they have in it.
The archive is what ` + "`docker save`" + ` writes, or buildah to docker-archive: or
oci-archive:.

The node reaches no registry. A pod whose image has the tag latest, or none, needs
imagePullPolicy: IfNotPresent or Never, as the default for these is to pull.`

const examplesLoad = `  buildah push localhost/workload:dev docker-archive:workload.tar:localhost/workload:dev
  maquette-dev-cluster load workload.tar`

func newLoad() *cobra.Command {
	var target target
	command := &cobra.Command{
		Use:     "load ARCHIVE",
		Short:   "Put the images of an archive into the node",
		Long:    aboutLoad,
		Example: examplesLoad,
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			dir, record, err := target.running()
			if err != nil {
				return err
			}
			if record.Name == "" {
				return fmt.Errorf("%s has no node to load images into", target.describe())
			}
			return images.Load(node.Socket(dir), args[0], command.ErrOrStderr())
		},
	}
	target.addNameFlag(command)
	return command
}
