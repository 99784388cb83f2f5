package check

// part is a stretch of a template: literal text, or an expression.
type part struct {
	text string
	expr bool
	// from is where the text, or the expression behind "${", starts: in
	// characters.
	from int
	// open tells that nothing closes the expression.
	open bool
}

// parts cuts a template: ${expr} is filled in, $${ is a literal ${.
func parts(text []rune) []part {
	var list []part
	var literal []rune
	start := 0
	flush := func(next int) {
		if len(literal) > 0 {
			list = append(list, part{text: string(literal), from: start})
		}
		literal, start = nil, next
	}
	for i := 0; i < len(text); {
		switch {
		case match(text, i, "$${"):
			literal = append(literal, '$', '{')
			i += 3
		case match(text, i, "${"):
			end, ok := closing(text, i+2)
			if !ok {
				flush(i)
				stop := min(lineEnd(text, i), len(text))
				return append(list, part{text: string(text[i+2 : stop]), expr: true, from: i + 2, open: true})
			}
			flush(i)
			list = append(list, part{text: string(text[i+2 : end]), expr: true, from: i + 2})
			i = end + 1
			start = i
		default:
			literal = append(literal, text[i])
			i++
		}
	}
	flush(len(text))
	return list
}

func match(text []rune, i int, word string) bool {
	for _, r := range word {
		if i >= len(text) || text[i] != r {
			return false
		}
		i++
	}
	return true
}

// closing finds the brace that closes an expression that starts at i, past
// nested braces and strings.
func closing(text []rune, i int) (int, bool) {
	s := scanner{text: text, pos: i}
	for depth := 0; s.pos < len(text) && s.pos-i <= maxLength; {
		switch c := text[s.pos]; c {
		case '"', '\'':
			s.quoted(c)
			continue
		case '`':
			s.raw()
			continue
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return s.pos, true
			}
			depth--
		}
		s.pos++
	}
	return 0, false
}

// hole is a ${…} of an assertion outside strings: the places of "$" and "}".
type hole struct{ from, to int }

func holes(text []rune) []hole {
	var list []hole
	s := scanner{text: text}
	for s.pos < len(text) {
		switch c := text[s.pos]; {
		case c == '"' || c == '\'':
			s.quoted(c)
			continue
		case c == '`':
			s.raw()
			continue
		case match(text, s.pos, "${"):
			if end, ok := closing(text, s.pos+2); ok {
				list = append(list, hole{s.pos, end})
			}
		}
		s.pos++
	}
	return list
}
