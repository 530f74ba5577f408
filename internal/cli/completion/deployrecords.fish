function __deployrecords_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l candidates (deployrecords __complete $words[2..-1] 2>/dev/null)
  if test "$candidates[1]" = ":files"
    set -l prefix (string match -r -- '^--[^=]*=' (commandline -ct))
    printf "$prefix%s\n" (__fish_complete_path (string replace -r -- '^--[^=]*=' '' (commandline -ct)))
  else if set -q candidates[1]
    printf '%s\n' $candidates
  end
end
complete -c deployrecords -f -a '(__deployrecords_complete)'
