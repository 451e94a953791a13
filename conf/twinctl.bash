# bash completion for twinctl
_twinctl()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    case $before in
        --socket) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --host | --timeout | --lag | --interval | --count) COMPREPLY=(); return ;;
        check) mapfile -t COMPREPLY < <(compgen -W 'ready primary secondary synchronised' -- "$word"); return ;;
    esac
    local options='--host --socket --json --timeout --lag --weight --interval --count --help --version'
    case $word in
        -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;
        *) mapfile -t COMPREPLY < <(compgen -W 'status top check' -- "$word") ;;
    esac
}
complete -F _twinctl twinctl
