# Bash splits --flag=value into three words unless COMP_WORDBREAKS was changed. Bash 3.2, of macOS, must read this script.
_deployrecords() {
  local candidate tab=$'\t' prefix="" cur=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  while IFS= read -r candidate; do COMPREPLY+=("${candidate%%$tab*}"); done \
    < <(deployrecords __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ ${COMPREPLY[0]} == ":files" ]]; then
    COMPREPLY=()
    case $cur in --*=*) prefix=${cur%%=*}= ;; esac
    cur=${cur#"$prefix"}
    compopt -o filenames 2>/dev/null
    while IFS= read -r candidate; do COMPREPLY+=("$prefix$candidate"); done < <(compgen -f -- "${cur#=}")
  fi
}
complete -F _deployrecords deployrecords
