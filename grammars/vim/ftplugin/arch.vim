" How .arch files are edited: comments, brackets that match, gf on an include.
if exists("b:did_ftplugin")
  finish
endif
let b:did_ftplugin = 1

setlocal commentstring=//\ %s
setlocal comments=sO:*\ -,mO:*\ \ ,exO:*/,s1:/*,mb:*,ex:*/,://
setlocal matchpairs+=<:>
setlocal suffixesadd=.arch

let b:undo_ftplugin = "setlocal commentstring< comments< matchpairs< suffixesadd<"
