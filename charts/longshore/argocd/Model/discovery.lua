local suspended = obj.spec.suspend == true
local actions = {}
actions["refresh"] = {
  ["disabled"] = suspended,
  ["iconClass"] = "fa fa-fw fa-sync",
  ["displayName"] = "Ask the source now"
}
actions["suspend"] = { ["disabled"] = suspended, ["iconClass"] = "fa fa-fw fa-pause" }
actions["resume"] = { ["disabled"] = not suspended, ["iconClass"] = "fa fa-fw fa-play" }
return actions
