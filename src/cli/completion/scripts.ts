export const shells = ['bash', 'zsh', 'fish', 'powershell'] as const;

/**
 * What each shell reads to complete the words behind `longshore`. The program itself is asked for candidates each time:
 * what a script knew by heart would be of the release that wrote it.
 */
export const scripts: Record<(typeof shells)[number], string> = {
  // Words are taken from the line: bash would part names at their colons. Behind an equals sign it expects the value alone.
  bash: String.raw`# bash completion for longshore:  source <(longshore completion bash)
_longshore() {
  local line="${'$'}{COMP_LINE:0:COMP_POINT}" words=() last out candidate rest=''
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  last="${'$'}{words[${'$'}{#words[@]}-1]}"
  out="$(longshore __complete "${'$'}{words[@]:1}" 2>/dev/null)" || return
  [[ $COMP_WORDBREAKS == *=* && $last == *=* ]] && rest="${'$'}{last%=*}="
  COMPREPLY=()
  while IFS= read -r candidate; do
    [[ $candidate == :* ]] && continue
    candidate="${'$'}{candidate%%$'\t'*}"
    COMPREPLY+=("${'$'}{candidate#"$rest"}")
  done <<< "$out"
  [[ ${'$'}{#COMPREPLY[@]} -eq 0 && $out == *:0 ]] && compopt -o default 2>/dev/null
  return 0
}
complete -F _longshore longshore
`,
  zsh: String.raw`#compdef longshore
# zsh completion for longshore:  source <(longshore completion zsh)
_longshore() {
  local -a lines candidates
  local line
  lines=("${'$'}{(@f)$(longshore __complete "${'$'}{(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "${'$'}{(@)lines[1,-2]}"; do
    candidates+=("${'$'}{${'$'}{line%%$'\t'*}//:/\\:}${'$'}{${'$'}{(M)line:#*$'\t'*}:+:${'$'}{line#*$'\t'}}")
  done
  if (( ${'$'}#candidates )); then
    _describe longshore candidates
  elif [[ ${'$'}{lines[-1]} == ':0' ]]; then
    _files
  fi
}
if [[ ${'$'}{funcstack[1]} == _longshore ]]; then
  _longshore "$@"
else
  compdef _longshore longshore
fi
`,
  fish: String.raw`# fish completion for longshore:  longshore completion fish | source
function __longshore_complete
  set -l words (commandline -opc)
  set -e words[1]
  set -l word (commandline -ct)
  set -l out (longshore __complete $words "$word" 2>/dev/null)
  test (count $out) -gt 0; or return
  if test (count $out) -eq 1 -a "$out[-1]" = ':0'
    __fish_complete_path "$word"
  else
    string match --invert --regex '^:[0-9]+$' -- $out
  end
end
complete --command longshore --no-files --arguments '(__longshore_complete)'
`,
  // Before 7.3 PowerShell drops empty words of a call.
  powershell: String.raw`# PowerShell completion for longshore, 7.3 and later:  longshore completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName longshore -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.StartOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
  if ($wordToComplete -eq '') { $words += '' }
  longshore __complete @words 2>$null | Where-Object { $_ -notmatch '^:\d+$' } | ForEach-Object {
    $value, $about = $_ -split ${'"`t"'}, 2
    [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $(if ($about) { $about } else { $value }))
  }
}
`,
};
