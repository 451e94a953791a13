# bash completion for twinctl
_twinctl()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    case $before in
        --socket | --haproxy | --ca | --token-file | --login-file) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --pid) mapfile -t COMPREPLY < <(compgen -W "$(pidof twincached)" -- "$word"); return ;;
        --host | --timeout | --lag | --interval | --count | --prefix | --limit | --to) COMPREPLY=(); return ;;
        check) mapfile -t COMPREPLY < <(compgen -W 'ready primary secondary synchronised' -- "$word"); return ;;
        migrate) mapfile -t COMPREPLY < <(compgen -W 'status' -- "$word"); return ;;
        log-level) mapfile -t COMPREPLY < <(compgen -W 'info debug trace' -- "$word"); return ;;
    esac
    local options='--host --socket --pid --ca --token-file --login-file --json --timeout --lag --weight --interval --count --prefix --limit --hot --haproxy --to --only-new --help --version'
    local commands='status top check explain migrate watch digest doctor keys dump load drain undrain promote switchover resync log-level'
    case $word in
        -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;
        *) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word") ;;
    esac
}
complete -F _twinctl twinctl
