# Completion of tokenry for bash: eval "$(tokenry completion bash)"
_tokenry() {
    local line lines values=()
    mapfile -t lines < <("$1" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    for line in "${lines[@]}"; do values+=("${line%%$'\t'*}"); done
    COMPREPLY=("${values[@]}")
    # Where candidates are listed and none is put in, each has its description beside it.
    if ((${#lines[@]} > 1)) && [[ ${COMP_TYPE-} == 9 || ${COMP_TYPE-} == 63 ]]; then
        COMPREPLY=()
        for line in "${lines[@]}"; do
            [[ $line == *$'\t'* ]] && line="${line%%$'\t'*}  (${line#*$'\t'})"
            COMPREPLY+=("$line")
        done
    fi
}
complete -o nosort -F _tokenry tokenry
