# Completion of tokenry for fish: tokenry completion fish | source
function __tokenry_complete
    set -l words (commandline -opc)
    $words[1] __complete $words[2..] "$(commandline -ct)" 2>/dev/null
end
complete --command tokenry --no-files --keep-order --arguments '(__tokenry_complete)'
