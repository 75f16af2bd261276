// Computes the status of an object as Flux, kpt and `helm --wait` do: reads the object as JSON from standard input and
// writes the name of its status.
package main

import (
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	object := &unstructured.Unstructured{}
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	if err := object.UnmarshalJSON(text); err != nil {
		return fmt.Errorf("standard input is no object: %w", err)
	}
	result, err := status.Compute(object)
	if err != nil {
		return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
	}
	_, err = fmt.Fprintln(out, result.Status)
	return err
}
