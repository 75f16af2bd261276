-- The health of a Model or a ModelServer, by the conditions that both have. Argo CD hands in `obj`. Of what is being deleted it
-- says itself that it is Progressing, and does not ask.
local hs = {
  status = "Progressing",
  message = "The operator has not looked at this spec yet."
}

local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return hs
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready = conditions["Ready"]
local stalled = conditions["Stalled"]
if ready == nil then
  return hs
end

hs.message = ready.reason .. ": " .. ready.message
if ready.status == "True" then
  hs.status = "Healthy"
elseif stalled ~= nil and stalled.status == "True" then
  hs.status = "Degraded"
elseif ready.reason == "Suspended" then
  -- A Model that is suspended and has published something is Ready, and Healthy above: a sync would wait for it for ever
  -- (https://github.com/argoproj/argo-cd/issues/24428).
  hs.status = "Suspended"
end
return hs
