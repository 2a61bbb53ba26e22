# wrap.awk - puts text lines of mdoc into the form that mandoc's lint asks for: one sentence a line, no longer than 78 bytes.
# Requests and displays pass unchanged, as does @LIST@.  With -v list=FILE that file stands in for @LIST@.

function put(text,    cut) {
	while (length(text) > 78) {
		for (cut = 78; cut > 0; cut--)
			# Not before what troff would take for a request.
			if (substr(text, cut, 1) == " " && substr(text, cut + 1, 1) !~ /[.' ]/ && substr(text, cut - 1, 1) != " ")
				break
		if (cut == 0)
			break
		print substr(text, 1, cut - 1)
		text = substr(text, cut + 1)
	}
	print text
}

function line(text) {
	if (text ~ /^\.Bd/)
		display = 1
	if (text ~ /^\.Ed/)
		display = 0
	if (display || text ~ /^\./ || text == "@LIST@") {
		print text
		return
	}
	if (text == "")
		return
	# "name()" in running text would be taken for a function that lacks its markup.
	gsub(/\(\)/, "\\\\\\&()", text)
	while (match(text, /[a-z0-9)"][.] +[A-Z{][^.]/)) {
		put(substr(text, 1, RSTART + 1))
		text = substr(text, RSTART + 2)
		sub(/^ +/, "", text)
	}
	put(text)
}

list != "" && $0 == "@LIST@" {
	while ((getline text < list) > 0)
		line(text)
	next
}

{ line($0) }
