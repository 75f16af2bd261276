-- There is something to roll where the runtime is an older one than the operator's, or a rollout was taken back.
local behind = false
for _, condition in ipairs(obj.status and obj.status.conditions or {}) do
  if condition.reason == "RuntimeOutdated" or condition.reason == "RolledBack" then
    behind = true
  end
end
local actions = {}
actions["roll"] = {
  ["disabled"] = not behind,
  ["iconClass"] = "fa fa-fw fa-redo",
  ["displayName"] = "Roll out now"
}
return actions
