package apply

import (
	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
)

// redact takes the secrets out of an outcome. What holds text is copied first:
// the kernel's side of a change stays as it is, and has no secrets (package
// plan refuses them there).
func (x *operation) redact(o *runbook.Outcome) {
	r := x.red.String
	o.Error, o.Remedy = r(o.Error), r(o.Remedy)
	if o.Checks != nil {
		o.Checks = append([]runbook.Assertion(nil), o.Checks...)
	}
	for i := range o.Checks {
		a := &o.Checks[i]
		a.Text, a.Error = r(a.Text), r(a.Error)
		a.Operands = append([]runbook.Operand(nil), a.Operands...)
		for j := range a.Operands {
			a.Operands[j].Text, a.Operands[j].Value = r(a.Operands[j].Text), r(a.Operands[j].Value)
		}
	}
	if o.Answer != nil {
		a := *o.Answer
		a.By, a.Note = r(a.By), r(a.Note)
		o.Answer = &a
	}
	if o.Guard != nil {
		g := *o.Guard
		g.Output = r(g.Output)
		o.Guard = &g
	}
	o.Result = redactResult(r, o.Result)
	if o.Undo != nil {
		u := *o.Undo
		x.redact(&u)
		o.Undo = &u
	}
}

func redactResult(r func(string) string, was *executors.Result) *executors.Result {
	if was == nil {
		return nil
	}
	res := *was
	res.UndoError = r(res.UndoError)
	if res.Failed != nil {
		f := *res.Failed
		f.Edit, f.Message = r(f.Edit), r(f.Message)
		res.Failed = &f
	}
	res.Mismatches, res.Remains = redactMismatches(r, res.Mismatches), redactMismatches(r, res.Remains)
	return &res
}

func redactMismatches(r func(string) string, was []netstate.Mismatch) []netstate.Mismatch {
	ms := append([]netstate.Mismatch(nil), was...)
	for i := range ms {
		ms[i].Want, ms[i].Got = r(ms[i].Want), r(ms[i].Got)
	}
	return ms
}
