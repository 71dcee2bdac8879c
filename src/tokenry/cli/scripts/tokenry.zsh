#compdef tokenry
# Completion of tokenry for zsh, after compinit: eval "$(tokenry completion zsh)"
_tokenry() {
    local line
    local -a lines candidates
    lines=("${(@f)$("$words[1]" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    for line in "${(@)lines}"; do
        [[ -n $line ]] || continue
        candidates+=("${${line%%$'\t'*}//:/\\:}${${line#${line%%$'\t'*}}/$'\t'/:}")
    done
    _describe -V tokenry candidates
}
compdef _tokenry tokenry
