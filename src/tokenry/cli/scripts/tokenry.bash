# Completion of tokenry for bash: eval "$(tokenry completion bash)"
_tokenry() {
    local line lines word words=() stem value values=()
    # The shell takes a:b for three words, and puts in what comes behind the colon.
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        if [[ ${#words[@]} -gt 0 && ($word == :* || (${words[-1]} == *: && -n $word)) ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
    done
    stem=${words[-1]%"${words[-1]##*:}"}
    [[ $COMP_WORDBREAKS == *:* ]] || stem=
    mapfile -t lines < <("$1" __complete "${words[@]}" 2>/dev/null)
    lines=("${lines[@]#"$stem"}")
    # What a product calls its users is anything: put in as it is, the shell would run a part of some.
    for line in "${lines[@]}"; do printf -v value %q "${line%%$'\t'*}" && values+=("$value"); done
    COMPREPLY=("${values[@]}")
    # Where candidates are listed and none is put in, each has its description beside it.
    if ((${#lines[@]} > 1)) && [[ ${COMP_TYPE-} == 9 || ${COMP_TYPE-} == 63 ]]; then
        COMPREPLY=()
        for line in "${lines[@]}"; do
            printf -v value %q "${line%%$'\t'*}"
            [[ $line == *$'\t'* ]] && value+="  (${line#*$'\t'})"
            COMPREPLY+=("$value")
        done
    fi
}
complete -o nosort -F _tokenry tokenry
