#compdef deployrecords
_deployrecords() {
  local -a candidates=("${(@f)$(deployrecords __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $candidates[1] == ":files" ]]; then
    compset -P '--*='
    _files
  elif [[ -n $candidates[1] ]]; then
    candidates=("${(@)candidates//:/\\:}")
    candidates=("${(@)candidates/$'\t'/:}")
    _describe candidate candidates
  fi
}
# A file in $fpath is the body of the function; a sourced script registers it.
if [[ $funcstack[1] == _deployrecords ]]; then
  _deployrecords "$@"
else
  compdef _deployrecords deployrecords
fi
