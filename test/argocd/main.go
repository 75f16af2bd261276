// Runs a script over objects with the Lua that Argo CD embeds, and with no more of its libraries than Argo CD gives to a
// script of argocd-cm: base, package and table, and of os the functions time and date, by require. Reads the path of the
// script from its argument and a JSON array of objects from standard input, and writes what the script returns for each of
// them, as a JSON array.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	lua "github.com/yuin/gopher-lua"
	luajson "layeh.com/gopher-json"
)

// Argo CD gives up on a script after this long.
const limit = time.Second

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: argocd SCRIPT < OBJECTS")
	}
	script, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var objects []json.RawMessage
	if err := json.NewDecoder(in).Decode(&objects); err != nil {
		return fmt.Errorf("standard input is no array of objects: %w", err)
	}
	results := []json.RawMessage{}
	for _, object := range objects {
		result, err := resultOf(string(script), object)
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		results = append(results, result)
	}
	return json.NewEncoder(out).Encode(results)
}

func resultOf(script string, object []byte) (json.RawMessage, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage,
		lua.BaseLibName: lua.OpenBase,
		lua.TabLibName:  lua.OpenTable,
	} {
		call := lua.P{Fn: state.NewFunction(open), Protect: true}
		if err := state.CallByParam(call, lua.LString(name)); err != nil {
			return nil, err
		}
	}
	state.PreloadModule(lua.OsLibName, timeAndDate)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	state.SetContext(ctx)
	value, err := luajson.Decode(state, object)
	if err != nil {
		return nil, err
	}
	state.SetGlobal("obj", value)
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	result := state.Get(-1)
	if result.Type() != lua.LTTable {
		return nil, fmt.Errorf("it returned a %s, not a table", result.Type())
	}
	return luajson.Encode(result)
}

func timeAndDate(state *lua.LState) int {
	whole := lua.NewState(lua.Options{SkipOpenLibs: true})
	lua.OpenOs(whole)
	all := whole.Get(-1).(*lua.LTable)
	some := state.NewTable()
	for _, name := range []string{"time", "date"} {
		function := all.RawGetString(name).(*lua.LFunction)
		some.RawSetString(name, state.NewFunction(function.GFunction))
	}
	state.Push(some)
	return 1
}
