package netstate

import "slices"

// Interface returns the interface of the observed namespace with this name, or
// nil. The interfaces must be sorted, as a State's are.
func (s *State) Interface(name string) *Interface { return s.interfaceIn("", name) }

// interfaceIn looks in another target or named namespace.
func (s *State) interfaceIn(netns, name string) *Interface {
	i, ok := s.find(netns, name)
	if !ok {
		return nil
	}
	return &s.Interfaces[i]
}

func (s *State) find(netns, name string) (int, bool) {
	key := Interface{Netns: netns, Name: name}
	return slices.BinarySearchFunc(s.Interfaces, key, func(a, b Interface) int { return CompareInterfaces(&a, &b) })
}

// put adds the interface or replaces the one of its name.
func (s *State) put(i Interface) {
	n, ok := s.find(i.Netns, i.Name)
	if ok {
		s.Interfaces[n] = i
		return
	}
	s.Interfaces = slices.Insert(s.Interfaces, n, i)
}

// remove takes the interface out.
func (s *State) remove(netns, name string) {
	if n, ok := s.find(netns, name); ok {
		s.Interfaces = slices.Delete(s.Interfaces, n, n+1)
	}
}

// removeLinks takes the interfaces out that doomed names, and tells whether
// there was one. Doomed sees all of them still there.
func (s *State) removeLinks(doomed func(*Interface) bool) bool {
	var left []Interface
	for i := range s.Interfaces {
		switch is := doomed(&s.Interfaces[i]); {
		case left != nil && !is:
			left = append(left, s.Interfaces[i])
		case left == nil && is:
			left = append(make([]Interface, 0, len(s.Interfaces)), s.Interfaces[:i]...)
		}
	}
	if left == nil {
		return false
	}
	s.Interfaces = left
	return true
}
